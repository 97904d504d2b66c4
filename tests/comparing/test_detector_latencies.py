"""Measured latencies stand beside the rows of detectors: of one image, at the detector's size, the newest."""

import csv
import io

from lambda_arch.arch import parse
from lambda_arch.store import Case, Setup, Status, Store
from lambda_arch.store.machines import keep_machine
from lambda_arch.store.measurements import begin_measurement, finish_measurement
from lambda_arch.store.rounds import keep_round

NETWORK = "lambda_resnet101_hybrid@1024"


def keep(store, name, seconds, **setup):
    keep_machine(store, {"fingerprint": "f", "device_name": "a device", "torch": "2"})
    uid = begin_measurement(store, Case(parse(name), Setup(threads=1, **setup)), "f", "t", {})
    keep_round(store, uid, 1, [seconds] * 3, {}, 7)
    finish_measurement(store, uid, Status.OK)


def columns(text):
    return {row.get("backbone", ""): row for row in csv.DictReader(io.StringIO(text))}


def test_the_store_gives_the_latencies_of_a_table_of_detectors(tmp_path, run_cli):
    path = tmp_path / "s.db"
    with Store(path) as store:
        keep(store, NETWORK, 1.0)
        keep(store, NETWORK, 2.5)
        keep(store, NETWORK, 7.0, batch_size=2)
        keep(store, NETWORK, 8.0, mode="train")
        keep(store, "resnet101_rs", 9.0)  # at 224x224
    rows = columns(run_cli("tables", "coco", "--store", path, "--format", "csv").out)
    assert float(rows["LambdaResNet-101"]["latency_ms"]) == 2500
    assert rows["LambdaResNet-101"]["latency_setup"] == "cpu, batch 1, fp32, inference, 1 thread"
    assert rows["LambdaResNet-101"]["latency_device"] == "a device"
    assert {row["latency_ms"] for name, row in rows.items() if name != "LambdaResNet-101"} == {""}
    table = run_cli("tables", "coco", "--store", path, "--format", "table").out
    assert "2,500.0" in table
    assert "Latency: of the classifier, measured: cpu, batch 1, fp32, inference, 1 thread on a device." in " ".join(
        table.split()
    )
    folder = tmp_path / "tables"
    run_cli("tables", "coco", "--store", path, "--out", folder)
    assert "latency" not in (folder / "coco.csv").read_text("utf-8")  # which is the same on every machine


def test_without_measurements_there_is_no_column(tmp_path, run_cli):
    with Store(tmp_path / "s.db"):
        pass
    assert "latency" not in run_cli("tables", "coco", "--store", tmp_path / "s.db").out.lower()
