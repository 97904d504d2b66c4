import csv
import io
import json
from decimal import Decimal
from math import inf, nan

import numpy as np
import pytest

from lambda_arch import side_by_side
from lambda_arch.arch import parse
from lambda_arch.comparing import compare
from lambda_arch.costs import count
from lambda_arch.published import table_names
from lambda_arch.reporting import FORMATS, Column, Report, Table, print_report, report_of
from lambda_arch.reporting.comparisons import comparison_report
from lambda_arch.reporting.console import fill
from lambda_arch.reporting.ledgers import ledger_report

REPORT = Report(
    [
        Table(
            [Column("name", align="left"), Column("params", "params & more")],
            [{"name": "a|b_c", "params": 1234567}, {"name": "λ"}],
        )
    ],
    Table(
        [Column("name"), Column("params"), Column("ok")], [{"name": 'say "hi", you', "params": 1234567, "ok": True}, {}]
    ),
)


def on_console(report, width):
    text = io.StringIO()
    print_report(report, text, width)
    return text.getvalue()


def test_a_long_name_is_broken_after_a_mark():
    lines = fill("dominated by lambda_resnet101:stages=C-C-3-L,stem=rs,c2.se=0.25,c3.se=0.25@160", 24).split("\n")
    assert lines == ["dominated by", "lambda_resnet101:", "stages=C-C-3-L,stem=rs,", "c2.se=0.25,", "c3.se=0.25@160"]
    assert fill("a bb ccccc", 2).split("\n") == ["a", "bb", "cc", "cc", "c"]


def test_three_architectures_side_by_side_fit_a_terminal():
    found = side_by_side(["lambda_resnet50", "resnet50", "lambda_resnet50:k=8,h=8"])
    assert max(map(len, on_console(report_of(found), 80).splitlines())) <= 80


def test_csv_is_plain_and_unrounded():
    rows = list(csv.reader(io.StringIO(FORMATS["csv"](REPORT))))
    assert rows == [["name", "params", "ok"], ['say "hi", you', "1234567", "yes"], ["", "", ""]]


def test_json_is_the_data():
    assert json.loads(FORMATS["json"](REPORT))[0]["params"] == 1234567


def test_markdown_and_latex_escape():
    assert "a\\|b_c" in FORMATS["md"](REPORT)
    assert "| ---:" not in FORMATS["md"](REPORT)
    latex = FORMATS["latex"](REPORT)
    assert r"a|b\_c & 1,234,567 \\" in latex
    assert r"params \& more" in latex
    assert r"$\lambda$" in latex


@pytest.mark.parametrize("name", table_names())
@pytest.mark.parametrize("width", [80, 120])
def test_every_figure_of_every_table_is_on_the_terminal(name, width):
    comparison = compare(name)
    text = on_console(comparison_report(comparison), width)
    for row in comparison.rows:
        for verdict in row.verdicts.values():
            assert verdict.printed in text
    assert max(map(len, text.splitlines())) <= width


def test_the_ledger_fits_a_terminal():
    ledger = count(parse("lambda_resnet50"))
    text = on_console(ledger_report(ledger), 80)
    assert max(map(len, text.splitlines())) <= 80
    for row in ledger.rows:
        assert row.path in text


def test_wide_csv_has_one_line_a_row_and_no_name_twice():
    for name in table_names():
        comparison = compare(name)
        rows = list(csv.reader(io.StringIO(FORMATS["csv"](comparison_report(comparison)))))
        assert len(rows) == len(comparison.rows) + 1
        assert len(set(rows[0])) == len(rows[0])
        assert {len(row) for row in rows} == {len(rows[0])}


NOT_FINITE = [nan, inf, -inf, *map(Decimal, ("NaN", "Infinity")), np.float64("nan"), np.float32("inf")]


@pytest.mark.parametrize("value", NOT_FINITE, ids=lambda value: f"{type(value).__name__} {value}")
@pytest.mark.parametrize(
    "place",
    [lambda x: x, lambda x: {"a": x}, lambda x: [1.5, x], lambda x: {"a": ({"b": [x]},)}],
    ids=["alone", "in a mapping", "in a list", "deep"],
)
def test_what_is_not_finite_is_null_in_json(value, place):
    rows = Table([Column("a")], [{"a": place(value)}])
    expected = json.loads(json.dumps([{"a": place(None)}]))
    for report in (Report([], rows), Report([], rows, [{"a": place(value)}])):
        assert json.loads(FORMATS["json"](report), parse_constant=pytest.fail) == expected


def test_whole_numbers_of_any_size_stay_in_json():
    assert json.loads(FORMATS["json"](Report([], Table([Column("a")], [{"a": 10**400}])))) == [{"a": 10**400}]
