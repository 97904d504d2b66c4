"""The catalogue: everything that is known of an architecture in one row, and where it comes from."""

import pytest

from lambda_arch import count, memory, parse
from lambda_arch.arch.zoo import all_named
from lambda_arch.searching.catalogue import catalogue
from lambda_arch.store import Case, Status, Store
from lambda_arch.store.machines import keep_machine
from lambda_arch.store.measurements import begin_measurement, finish_measurement
from lambda_arch.store.rounds import keep_round
from lambda_arch.store.runs import Run, keep_run
from lambda_arch.store.shipped import shipped_latencies
from tests.command_line import run
from tests.store.rows import keep

SHIPPED = shipped_latencies()[0]
TRAINED = "lambda_resnet26:classes=10,m=7@32"
pytestmark = pytest.mark.slow  # two hundred architectures are counted


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with Store(tmp_path_factory.mktemp("store") / "s.db") as opened:
        keep(opened)
        for seed, (top1, settings) in enumerate(((90.0, {"lr": 1}), (97.5, {}), (98.5, {}))):
            epochs = [{"top1": top1}]
            keep_run(
                opened,
                Run(TRAINED, "digits", settings, "digits", "d", seed, {}, "f", f"2026-{seed}", "finished", epochs, ""),
            )
        architecture, setup, fingerprint = SHIPPED.architecture, SHIPPED.setup, SHIPPED.fingerprint
        keep_machine(opened, {"fingerprint": fingerprint, "device_name": SHIPPED.machine["device_name"]})
        uid = begin_measurement(opened, Case(parse(architecture), setup), fingerprint, "t", {})
        keep_round(opened, uid, 1, (0.5, 0.5), {}, 7)
        finish_measurement(opened, uid, Status.OK)
        yield opened


@pytest.fixture(scope="module")
def found(store):
    return catalogue(store, ["lambda_resnet50:k=8,m=7"])


@pytest.fixture(scope="module")
def rows(found):
    return {row["architecture"]: row for row in found}


def test_costs_are_exact_and_defaults_are_named(rows):
    row = rows["lambda_resnet50"]
    ledger = count("lambda_resnet50")
    assert (row["params"], row["macs"], row["flops"]) == (ledger.params, ledger.macs, ledger.flops)
    assert row["training_flops"] == count("lambda_resnet50", mode="train").flops
    assert row["training_memory_bytes"] == memory("lambda_resnet50", mode="train").peak
    named = {
        name: row[name] for name in ("stages", "k", "h", "u", "m", "stem", "se", "classes", "content", "batch_norm")
    }
    assert named == {
        "stages": "LLLL", "k": "16", "h": "4", "u": "1", "m": "23", "stem": "7x7", "se": "0", "classes": "1000",
        "content": "yes", "batch_norm": "yes",
    }  # fmt: skip


def test_settings_build_the_architecture_again(rows):
    network = ("stages", "k", "h", "u", "m", "stem", "stride", "pool", "activation", "se", "shortcut_bias", "classes")
    for name in ("lambda_resnet50", "resnet101", "lambda_resnet50:k=8,m=7"):
        row = rows[name]
        settings = ",".join(f"{option}={row[option]}" for option in network if option in row)
        base = "lambda_resnet" if "k" in row else "resnet"
        assert parse(f"{base}{parse(name).depth}:{settings}@{row['image_size']}") == parse(name)


def test_accuracies_are_in_columns_of_their_own(rows):
    assert rows["lambda_resnet50"]["top1_published"] == 78.4
    assert not [name for name in rows["lambda_resnet50"] if "trained" in name]
    trained = rows[TRAINED]
    assert trained["top1_trained[digits, recipe digits]"] == 98.0, "the mean of those with the last settings"
    assert trained["runs_trained[digits, recipe digits]"] == 2
    assert "top1_predicted" not in trained, "predictions are of ImageNet"
    assert rows["resnet101"]["top1_predicted_interval"] > 0


def test_latencies_have_a_column_for_each_device_and_setup(rows):
    columns = {name for name in rows["resnet50@64"] if name.startswith("latency")}
    names = [f"latency_{kind}ms[a device f, cpu, batch 1, fp32, inference, 1 thread]" for kind in ("", "q1_", "q3_")]
    assert columns == set(names)
    assert [rows["resnet50@64"][name] for name in names] == pytest.approx([1500, 1250, 1750])


def test_what_was_measured_comes_with_the_package_and_the_store_wins(rows):
    column = f"latency_ms[{SHIPPED.machine['device_name']} {SHIPPED.fingerprint[:8]}, {SHIPPED.setup}]"
    assert rows[SHIPPED.architecture][column] == pytest.approx(500), "the store's"
    assert column not in rows[SHIPPED.architecture].get("shipped", "").split("; ")
    other = next(
        each
        for each in shipped_latencies()
        if each.table == SHIPPED.table and each is not SHIPPED and each.architecture != SHIPPED.architecture
    )
    assert rows[other.architecture][column] == pytest.approx(other.summary.median * 1e3)
    assert column in rows[other.architecture]["shipped"].split("; ")
    digits = rows["resnet26:classes=10@32"]
    assert "top1_trained[digits, recipe digits]" in digits["shipped"].split("; ")


def test_it_can_be_had_without_what_comes_with_the_package(store):
    rows = catalogue(store, shipped=False)
    measured = [row["architecture"] for row in rows if any(name.startswith("latency") for name in row)]
    assert sorted(measured) == sorted(["resnet50@64", SHIPPED.architecture])
    assert not [row for row in rows if "shipped" in row]


def test_every_named_architecture_is_in_it_once(rows, found):
    assert {entry.canonical for entry in all_named()} <= set(rows)
    frame = found.to_frame()
    assert frame["architecture"].is_unique
    assert str(frame["params"].dtype) in ("Int64", "int64")


def test_it_is_written_as_csv_and_parquet(store, found, tmp_path, monkeypatch):
    parquet = pytest.importorskip("pyarrow.parquet")
    monkeypatch.setattr("lambda_arch.searching.catalogue.catalogue", lambda *_, **__: found)
    text = run("results", "table", "--format", "csv", "--store", store.path)
    assert text.out.splitlines()[0].split(",")[:2] == ["architecture", "image_size"]
    written = run("results", "table", "--parquet", tmp_path / "t.parquet", "--store", store.path)
    assert (written.code, written.out) == (0, "")
    assert len(parquet.read_table(tmp_path / "t.parquet").to_pylist()) == len(found) == text.out.count("\n") - 1
