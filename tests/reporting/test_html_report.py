"""The HTML report as text: its figures are those of the commands, and what comes from files is escaped."""

import json
import re

import pytest

from lambda_arch.comparing import compare
from lambda_arch.reporting.html_report import html_report
from lambda_arch.reporting.html_report.section import missing, table_element
from lambda_arch.reporting.table import Column, Table
from lambda_arch.store import Store
from lambda_arch.store.shipped import shipped_latencies
from tests.command_line import run

pytestmark = pytest.mark.slow
ATTACK = "<script>alert('x')</script>"


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    with Store(tmp_path_factory.mktemp("store") / "s.db") as store:
        return html_report(store, spaces=["scaling"], architectures=["resnet18"])


def test_it_is_one_small_page_that_needs_nothing_else(page):
    assert len(page.encode()) < 3_000_000
    assert not re.search(r"<(script|link|img|iframe)[^>]+(src|href)=", page)
    assert "url(" not in re.search(r"<style>.*?</style>", page, re.DOTALL)[0]


def test_every_printed_figure_has_a_mark(page):
    tallies = [comparison.tally() for comparison in compare()]
    matrix = re.search(r'<table class="matrix".*?</table>', page, re.DOTALL)[0]
    assert matrix.count("<button") == sum(sum(tally.values()) for tally in tallies)
    for kind, name in (("differs", "differ"), ("agrees", "agree"), ("digit", "differ by one digit")):
        assert matrix.count(f'verdict {kind}"') == sum(tally[name] for tally in tallies)


def test_tables_are_those_of_the_command(page):
    printed = run("tables", "hybrid_stages", "--format", "md").out
    cells = [cell.strip() for line in printed.splitlines() if line.startswith("| ") for cell in line.split("|")[1:-1]]
    (element,) = re.findall(r'<div id="table-hybrid_stages">.*?</table>', page, re.DOTALL)
    shown = re.findall(r"<td[^>]*>(.*?)</td>", element)
    assert shown == cells[len(cells) - len(shown) :]
    assert len(shown) > 30


def test_figure_3_has_our_times_beside_the_printed_ones(page):
    (section,) = re.findall(r'<section id="figure-3".*?</section>', page, re.DOTALL)
    figures = [json.loads(text) for text in re.findall(r'<script type="application/json">(.*?)</script>', section)]
    assert [len(figure["data"]) for figure in figures] == [2, 4]
    ours = figures[1]["data"][2]
    shipped = {
        row.architecture: float(row.machine["ratio"]) for row in shipped_latencies() if row.table == "pareto_figure3"
    }
    assert "AMD EPYC" in ours["name"]
    for (name,), ratio in zip(ours["customdata"], ours["x"], strict=True):
        assert ratio == shipped[name]


def test_sections_without_data_say_which_command_makes_it(page):
    for command in ("lambda-arch time lambda_resnet50", "lambda-arch devices", "lambda-arch train "):
        assert f"<code>{command}" in page


def test_words_of_files_are_escaped():
    table = Table([Column(ATTACK), Column("b", "b")], [{ATTACK: ATTACK, "b": 2.5}], ATTACK, [ATTACK])
    for element in (table_element(table), table_element(table, fold=True), missing(ATTACK, ATTACK)):
        assert "<script" not in element
        assert "&lt;script&gt;" in element


def test_the_command_writes_it_whole_or_not_at_all(tmp_path):
    store = tmp_path / "s.db"
    with Store(store):
        pass
    assert run("report", "--out", "r.html", "--space", "nowhere", "--store", store, cwd=tmp_path).code == 2
    assert run("report", "--out", "r.pdf", "--store", store, cwd=tmp_path).code == 2
    assert [path.name for path in tmp_path.iterdir()] == ["s.db"]
    found = run("report", "--out", "r.html", "--space", "scaling", "--show", "resnet18", "--store", store, cwd=tmp_path)
    assert (found.code, found.err) == (0, "r.html written\n")
    assert (tmp_path / "r.html").read_text().startswith("<!DOCTYPE html>")
