"""Every result prints as the CLI's table, shows as HTML and becomes a pandas frame."""

import html
import io
import re
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path

import pytest

from lambda_arch import audit, compare, count, count_many, match, memory, side_by_side
from lambda_arch.comparing import LongComparisons
from lambda_arch.reporting import FORMATS, Column, Report, Table, report_of, to_html
from lambda_arch.reporting.dispatch import REPORTS
from lambda_arch.training import Accuracy, Epoch, Runs, RunStatus, TrainingRun, find_recipe
from lambda_arch.training.runs import LongRuns

SOURCES = sorted((Path(__file__).parent.parent / "lambda_arch").rglob("*.py"))
EPOCH = Epoch(1, 0.1, 2.0, 30.0, 1.5, 40.0, 80.0, 123.4, 0.01, 60.0)
NAMED = find_recipe("digits")


def plan():
    from lambda_arch.training.planning import Plan

    return Plan("resnet50", NAMED, 1000, 15, (0.1,) * 13, 10**8, 10**9, 0.25)


RESULTS = {
    "Accuracy": lambda: Accuracy("resnet50", "pets", ("cat", "<dog>"), 10, 60.0, 100.0, 1.2, 99.5, ((4, 4), (6, 2))),
    "Plan": plan,
    "Runs": lambda: Runs(
        (
            TrainingRun(
                "resnet50", NAMED, "pets", "d", 3, RunStatus.RUNNING, (EPOCH,), Path("runs/a"), ("x.png",), "CPU"
            ),
        )
    ),
    "LongRuns": lambda: LongRuns(tuple(RESULTS["Runs"]())),
    "Comparison": lambda: compare("hybrid_stages"),
    "Comparisons": lambda: compare(["seed_models", "hybrid_stages"]),
    "LongComparisons": lambda: LongComparisons(compare(["seed_models", "hybrid_stages"]).items),
    "Counts": lambda: count_many("lambda_resnet50", k=[2, 4, 8] * 10),
    "Findings": lambda: audit("hybrid_stages"),
    "Footprint": lambda: memory("lambda_resnet50", batch_size=8, mode="train"),
    "Ledger": lambda: count("lambda_resnet50"),
    "SideBySide": lambda: side_by_side(["resnet50", "lambda_resnet50"]),
    "Matches": lambda: match(params="15.0M", depth=50),
}


class Cells(HTMLParser):
    """The cells of a page's tables, and whether each tag is closed."""

    def __init__(self, page):
        super().__init__()
        self.cells, self.open = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("td", "th"):
            self.cells[-1] += data


@pytest.mark.parametrize("kind", RESULTS)
def test_a_result_is_shown_as_its_report_is(kind, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    result = RESULTS[kind]()
    report = report_of(result)
    printed, page = str(result), result._repr_html_()
    assert max(map(len, printed.splitlines())) <= 100
    shown = [
        column.show(row.get(column.name)) for table in report.tables for row in table.rows for column in table.columns
    ]
    found = Cells(page)
    assert not found.open
    headings = [column.heading for table in report.tables for column in table.columns]
    assert sorted(found.cells) == sorted([*headings, *shown])
    for table in report.tables:
        assert table.title in printed
        assert html.escape(table.title) in page


@pytest.mark.parametrize("kind", sorted(set(RESULTS) - {"Counts"}))
def test_a_frame_is_the_csv(kind):
    pandas = pytest.importorskip("pandas")
    result = RESULTS[kind]()
    read = pandas.read_csv(io.StringIO(FORMATS["csv"](report_of(result))))
    frame = result.to_frame()
    assert list(frame.columns) == list(read.columns)
    assert len(frame) == len(read)
    for name in frame.select_dtypes("number"):
        assert frame[name].astype(float).tolist() == pytest.approx(read[name].tolist(), nan_ok=True)


def test_a_frame_of_many_counts_has_them_all():
    frame = RESULTS["Counts"]().to_frame()
    assert len(frame) == 30
    assert frame["params"][0] == count("lambda_resnet50:k=2").params


def test_every_result_has_a_report_and_every_report_a_result():
    found = re.findall(r"^class (\w+)\(Results?\b", "\n".join(p.read_text("utf-8") for p in SOURCES), re.MULTILINE)
    assert sorted(name for name in found if name != "Results") == sorted(REPORTS)
    for report in REPORTS.values():
        module, _, function = report.partition(".")
        assert callable(getattr(import_module(f"lambda_arch.reporting.{module}"), function)), report


def test_html_escapes_what_it_shows():
    nasty = '<script>alert("x")</script>&'
    table = Table([Column("name", nasty, align="left")], [{"name": nasty}], nasty, [nasty], total=True)
    page = to_html(Report([table], table))
    assert "<script>" not in page
    assert page.count(html.escape(nasty)) == 4


def test_prints_as_its_table_in_a_notebook_too(monkeypatch):
    # there rich would show HTML in place of writing, and the text would be empty
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    assert "14,995,592" in str(count("lambda_resnet50"))


def test_long_runs_have_a_row_per_epoch_with_what_repeats_the_run():
    (row,) = RESULTS["LongRuns"]().to_frame().to_dict("records")
    assert (row["epoch"], row["top1"], row["seconds"], row["seed"], row["digest"]) == (1, 40.0, 60.0, 3, "d")
    assert "epochs=5, batch_size=64" in row["settings"]
