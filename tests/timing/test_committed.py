"""The committed measurements: whole, named by device, and of the networks that the tables hold."""

import csv
from pathlib import Path

import pytest

from lambda_arch.arch import parse
from lambda_arch.comparing.speeds import timed_table

FILES = sorted((Path(__file__).parents[2] / "tables" / "measured").glob("*/*.csv"))


def test_there_are_some():
    assert FILES


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
