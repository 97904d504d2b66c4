"""Latencies from the store drive a search on the command line."""

import csv
import io
import json
from types import SimpleNamespace

import pytest

from lambda_arch import SetupError, parse
from lambda_arch.searching.pareto_search import search
from lambda_arch.searching.proposals import propose
from lambda_arch.searching.space_file import read_space
from lambda_arch.searching.whole_networks import WholeLatencies
from lambda_arch.store import Setup, Store
from lambda_arch.store.machines import keep_machine
from lambda_arch.store.parts import describe_part, keep_parts, part_key
from lambda_arch.store.statistics import summarize
from lambda_arch.timing import block_latencies
from lambda_arch.timing.machines import fingerprint_of

SPACE = """
about = "Stages of depth 18."
depth = 18
image_size = 64
per = "stage"
layer = ["C", "L"]
k = [4, 8]
m = [7]
"""


def invented(part) -> float:
    """Return seconds that differ from part to part, the same in every run."""
    return 1e-3 * (1 + sum(map(ord, part_key(part))) % 97)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    tmp_path = tmp_path_factory.mktemp("latency")
    space = tmp_path / "tiny.toml"
    space.write_text(SPACE)
    setup = Setup(device="cpu", batch_size=1, dtype="fp32", threads=2)
    networks = [net for product in read_space(str(space)).products for net in product.covering()]
    seconds = {part_key(part): [invented(part)] for net in networks for part in net.parts()}
    with Store(tmp_path / "store.db", create=True) as opened:
        fingerprint = fingerprint_of(opened, "cpu")
        keep_parts(opened, fingerprint, setup, "invented", seconds)
        assert len(block_latencies(opened, setup).by_key) == len(seconds)
    return tmp_path


def run(run_cli, folder, *more):
    return run_cli(
        "search", "--space", folder / "tiny.toml", "--store", folder / "store.db", "--threads", 2,
        "--minimize", "latency", "--maximize", "top1", "--format", "json", *more,
    )  # fmt: skip


@pytest.mark.slow
def test_the_fastest_member_is_the_fastest_of_all(run_cli, store):
    code, out, err = run(run_cli, store)
    assert code == 0, err
    members = json.loads(out)["members"]
    everyone = list(read_space(str(store / "tiny.toml")).architectures())
    fastest = min(sum(map(invented, network.parts())) for network in everyone)
    assert min(member["latency"] for member in members) == pytest.approx(fastest)


@pytest.mark.slow
def test_a_setup_that_was_not_calibrated_is_refused(run_cli, store):
    code, _, err = run(run_cli, store, "--batch-size", 8)
    assert code == 2
    assert "nothing was calibrated for cpu, batch 8" in err
    assert f"`lambda-arch calibrate --space {store / 'tiny.toml'} --store" in err
    assert "--device cpu --batch-size 8 --dtype fp32 --mode inference --threads 2 --clock" in err
    assert "lambda-arch calibrate" in err


BATCH, HERE = 4, "this machine"
NOISY = "c4 C"
"""The name of the only part whose samples spread."""


@pytest.fixture(scope="module")
def quartiles(tmp_path_factory):
    """A store in which every part takes 1 ms, with quartiles of 0.9 and 1.1 ms; NOISY has 0.5 and 1.5."""
    tmp_path = tmp_path_factory.mktemp("quartiles")
    (tmp_path / "tiny.toml").write_text(SPACE)
    setup = Setup(device="cpu", batch_size=BATCH, dtype="fp32", threads=1)
    parts = [
        part
        for product in read_space(str(tmp_path / "tiny.toml")).products
        for network in product.covering()
        for part in network.parts()
    ]
    steady, noisy = ([1e-3 * (1 + width * each) for each in (-2, -1, 0, 1, 2)] * 3 for width in (0.04, 0.5))
    samples = {part_key(part): noisy if describe_part(part).startswith(NOISY) else steady for part in parts}
    assert sum(each is noisy for each in samples.values()) == 1
    with Store(tmp_path / "store.db", create=True) as opened:
        keep_machine(opened, {"fingerprint": HERE, "device_name": "a CPU"})
        keep_parts(opened, HERE, setup, "invented", samples, limits={"spread": 0.1})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lambda_arch.timing.calibration.fingerprint_of", lambda store, device: HERE)
        yield tmp_path


def ask(folder, **more):
    asked = {"minimize": "latency", "maximize": "top1", "batch_size": BATCH, "threads": 1, **more}
    return search(str(folder / "tiny.toml"), store=folder / "store.db", **asked)


def test_latencies_of_members_have_an_interval_in_every_format(run_cli, quartiles):
    words = ["search", "--space", quartiles / "tiny.toml", "--store", quartiles / "store.db", "--batch-size", BATCH]
    words += ["--threads", 1, "--minimize", "latency", "--maximize", "throughput,top1"]
    rows = list(csv.DictReader(io.StringIO(run_cli(*words)[1])))
    members = json.loads(run_cli(*words, "--format", "json")[1])["members"]
    assert len(rows) == len(members) > 0
    for row, member in zip(rows, members, strict=True):
        noisy = sum(describe_part(part).startswith(NOISY) for part in parse(row["architecture"]).parts())
        sound = sum(1 for part in parse(row["architecture"]).parts()) - noisy
        low, high = 1e-3 * (0.96 * sound + 0.5 * noisy), 1e-3 * (1.04 * sound + 1.5 * noisy)
        for each in (row, member):
            assert float(each["latency_low"]) == pytest.approx(low)
            assert float(each["latency_high"]) == pytest.approx(high)
            assert float(each["throughput_low"]) == pytest.approx(BATCH / high)
            assert float(each["throughput_high"]) == pytest.approx(BATCH / low)
            assert (NOISY in each["warnings"]) == bool(noisy)
    member = members[0]
    cell = f"{1e3 * member['latency']:.3f} ({1e3 * member['latency_low']:.3f}-{1e3 * member['latency_high']:.3f})"
    assert cell in run_cli(*words, "--format", "table", COLUMNS="200")[1]


@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_noisy_parts_of_the_space_are_warned_about(run_cli, quartiles, form):
    words = ["search", "--space", quartiles / "tiny.toml", "--store", quartiles / "store.db", "--batch-size", BATCH]
    words += ["--threads", 1, "--minimize", "latency", "--format", form]
    code, out, err = run_cli(*words, COLUMNS="300")
    assert code == 0
    assert f"a calibrated part is not sound, such as {NOISY}" in (out if form == "table" else err)


def test_noisy_parts_are_refused_if_strict(quartiles):
    with pytest.raises(SetupError, match=f"tiny: 1 of its parts are not sound, such as {NOISY} .*noisy"):
        ask(quartiles, strict=True)
    assert not ask(quartiles).problem.costs.latency.doubts(parse("lambda_resnet18:stages=LLLL,k=4,m=7@64"))


@pytest.mark.parametrize("more", [{"minimize": "macs"}, {"measure": True}])
def test_strict_is_refused_without_a_calibration(quartiles, more):
    with pytest.raises(ValueError, match="strict=True: expected calibrated latencies"):
        ask(quartiles, strict=True, **more)


@pytest.mark.parametrize("verb", [search, propose])
def test_a_setup_is_refused_where_nothing_is_timed(verb):
    with pytest.raises(SetupError, match="device=cuda: only for latencies; expected minimize=latency"):
        verb("stages", device="cuda")


def test_whole_networks_have_the_quartiles_of_their_samples(monkeypatch):
    network, other = parse("lambda_resnet18@64"), parse("lambda_resnet26@64")

    def measured(networks, **_):
        summary = summarize([1.0, 2.0, 3.0, 4.0, 5.0])
        found = [
            SimpleNamespace(architecture=str(each), status="ok", summary=summary, warnings=["noisy"])
            for each in networks
        ]
        return SimpleTimings(SimpleNamespace(measurement=each) for each in found)

    monkeypatch.setattr("lambda_arch.timing.measure", measured)
    whole = WholeLatencies(Setup(threads=1))
    assert whole(network) == 3.0
    assert whole.interval(network) == (2.0, 4.0)
    assert whole.doubts(network) == {str(network): ("noisy",)}
    assert whole.interval(other) is None


class SimpleTimings(list):
    interrupted = False
