"""Published tables as files and frames for other programs: whole numbers whole, units in names, numbers as numbers."""

import csv
import io
import json

import pytest

import lambda_arch
from lambda_arch.comparing import compare
from lambda_arch.published import table_names
from tests.command_line import run


def test_whole_numbers_stay_whole_where_a_row_has_none():
    frame = lambda_arch.table("ablation_khu")
    assert [str(frame[name].dtype) for name in ("k", "h", "u", "m")] == ["Int64"] * 4
    assert frame["k"].isna().tolist() == [True] + [False] * 15
    assert frame["k"].dropna().tolist()[:2] == [8, 8]
    rows = list(csv.DictReader(io.StringIO(run("tables", "ablation_khu", "--format", "csv").out)))
    assert [row["k"] for row in rows[:2]] == ["", "8"]


def test_a_scope_may_be_a_number_or_global():
    assert lambda_arch.table("scope_size")["m"].to_list() == [3, 7, 15, 23, 31, "global"]
    assert all(type(m) is int for m in lambda_arch.table("scope_size")["m"][:5])


def test_names_of_columns_have_their_unit():
    assert lambda_arch.table("ablation_khu")["params_paper_millions"].tolist()[:2] == [25.6, 14.8]
    for table in table_names():
        names = lambda_arch.table(table).columns
        for column in compare(table).table.columns:
            if column.unit:
                (name,) = (each for each in names if each.startswith(column.name) and "_difference" not in each
                           and not each.endswith(("_ours", "_verdict", "_reason", "_ours_bytes"))
                           and (each == column.name or each.removeprefix(column.name + "_") in UNITS))  # fmt: skip
                assert name.endswith(tuple(UNITS)) or "seconds" in name


UNITS = ("millions", "billions", "gib", "percent", "images_per_s")


def test_printed_digits_are_kept_in_csv_and_numbers_are_numbers_in_json():
    assert ",0.70," in run("tables", "efficientnet", "--format", "csv").out
    (rows,) = json.loads(run("tables", "efficientnet", "--format", "json").out).values()
    assert rows[1]["figures"]["flops"]["printed"] == 0.7
    assert rows[1]["image_size"] == 240
    (rows,) = json.loads(run("tables", "layer_memory", "--format", "json").out).values()
    assert rows[0]["figures"]["memory"]["printed"] == 120
    assert rows[0]["figures"]["throughput"]["printed"] == "OOM"
    found = json.loads(run("audit", "hybrid_stages", "--format", "json").out)
    assert (found[0]["printed"], found[0]["unit"]) == (15.4, "M")


@pytest.mark.parametrize("name", ["hybrid_stages", None])
def test_the_long_format_has_a_row_per_printed_figure(name):
    arguments = [name] if name else []
    rows = list(csv.DictReader(io.StringIO(run("tables", *arguments, "--long", "--format", "csv").out)))
    tables = [compare(each) for each in arguments or table_names()]
    assert len(rows) == sum(len(row.verdicts) for table in tables for row in table.rows)
    ccll = next(row for row in rows if row["row"] == "stages=CCLL" and row["quantity"] == "params")
    assert {key: ccll[key] for key in ("table", "unit", "printed", "ours", "verdict")} == {
        "table": "hybrid_stages",
        "unit": "M",
        "printed": "15.4",
        "ours": "15.559736",
        "verdict": "differs",
    }
    assert "arXiv" in ccll["source"]
    frame = lambda_arch.table(name, long=True)
    assert len(frame) == len(rows)
    assert frame["printed"].notna().all()
