"""The figures that come with the package: whole, named by device, and of the networks that the tables hold."""

import csv
from pathlib import Path

import pytest

from lambda_arch.arch import parse
from lambda_arch.comparing.speeds import timed_table
from lambda_arch.store import shipped
from lambda_arch.store.shipped import shipped_latencies, shipped_runs

FILES = sorted((Path(shipped.__file__).parent / "measured" / "latencies").glob("*/*.csv"))


def test_latencies_are_read_as_they_were_measured():
    found = shipped_latencies()
    assert len(found) == sum(len(path.read_text("utf-8").splitlines()) - 1 for path in FILES) > 40
    lambdas = [each for each in found if (each.table, each.architecture) == ("hybrid_stages", "lambda_resnet50")]
    assert [str(each.setup) for each in lambdas] == ["cpu, batch 8, fp32, inference, 2 threads"]
    (each,) = lambdas
    assert each.summary.q1 < each.summary.median == float(each.machine["median_ms"]) / 1e3 < each.summary.q3
    assert {each.setup.mode for each in found if each.table == "pareto_figure3"} == {"train"}


def test_runs_are_those_of_the_last_epoch():
    found = shipped_runs()
    seeds = [run.row["seed"] for run in found if (run.architecture, run.data) == ("resnet26:classes=10@32", "digits")]
    assert sorted(seeds) == ["0", "1", "2"]
    for run in found:
        assert str(parse(run.architecture)) == run.architecture
        assert f"epochs={run.row['epoch']}, " in run.settings, "whole runs"
        assert 0 < run.top1 < 100


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_rows_are_the_tables_with_setup_and_machine(path):
    table = timed_table(path.stem)
    rows = list(csv.DictReader(path.open(encoding="utf-8")))
    by_keys = {row.keys: row for row in table.rows}
    assert {tuple(row[key] for key in table.key_names) for row in rows} <= set(by_keys)
    for row in rows:
        published = by_keys[tuple(row[key] for key in table.key_names)]
        assert parse(row["architecture"]) == published.architecture
        assert row["paper_ratio"] == ("" if published.paper is None else str(published.paper))
        assert row["status"] == "ok"
        assert float(row["ratio_q1"]) <= float(row["ratio"]) <= float(row["ratio_q3"])
        for name in ("device_name", "batch", "dtype", "mode", "threads", "clock", "torch", "fingerprint", "started"):
            assert row[name], name
    assert len({(row["device_name"], row["fingerprint"], row["mode"], row["batch"]) for row in rows}) == 1
