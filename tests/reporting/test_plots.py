"""Plots of fronts: what they show, and that they need nothing else."""

import re
from pathlib import Path

import numpy as np
import pytest

from lambda_arch.reporting.formats import to_latex
from lambda_arch.reporting.front_plots import front_plot, table_plot
from lambda_arch.reporting.fronts import front_report, shown_front
from lambda_arch.reporting.plot import Plot, Series
from lambda_arch.reporting.plot_files import write_plot
from lambda_arch.reporting.plot_html import html_page
from lambda_arch.reporting.plot_image import image
from lambda_arch.reporting.plot_text import characters
from lambda_arch.searching import search
from lambda_arch.searching.highlights import spread
from lambda_arch.searching.table_front import table_front


@pytest.fixture(scope="module")
def plot() -> Plot:
    front = search("scaling", minimize=["macs", "params"], maximize=["top1"])
    return front_plot(shown_front(front, spread(front, 30)))


def test_a_plot_begins_with_the_first_cost_and_the_gain(plot: Plot) -> None:
    assert plot.headings == ("MACs (G)", "params (M)", "predicted top-1 (%)")
    assert (plot.x, plot.y) == (0, 2)
    kinds = {series.name: series for series in plot.series}
    assert {"front", "front, extrapolated", "knee and best", "published, as predicted"} <= set(kinds)
    assert all("extrapolated beyond" in text for text in kinds["front, extrapolated"].texts)
    assert all("printed top-1" in text for text in kinds["published, as predicted"].texts)
    assert sum(len(series.names) for name, series in kinds.items() if "published" not in name) == 30


def test_published_points_far_off_do_not_squeeze_the_rest() -> None:
    front = search("stages", minimize=["macs"])
    plot = front_plot(shown_front(front, spread(front, 20)))
    names = [name for series in plot.series for name in series.names]
    assert "lambda_resnet50:position=no" not in names  # 10 points below all others


def test_a_page_needs_nothing_but_itself(plot: Plot) -> None:
    page = html_page(plot)
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=", page)
    assert page.count("plotly_click") >= 1
    for series in plot.series:
        assert series.name in page


def test_words_are_escaped_in_a_page() -> None:
    series = Series("front", "circle", ((1.0, 2.0),), ("<b>",), ("<i>x</i> & y",))
    page = html_page(Plot("a < b", ("<script>",), ("x", "y"), 0, 1, (series,)))
    assert "<title>a &lt; b</title>" in page
    assert "<p>&lt;script&gt;</p>" in page
    assert "<i>x</i>" not in page


def test_wide_ranges_are_logarithmic(plot: Plot) -> None:
    assert plot.is_logarithmic(0)
    assert not plot.is_logarithmic(2)


@pytest.mark.slow
def test_images_are_of_their_kind(plot: Plot) -> None:
    assert image(plot, "png").startswith(b"\x89PNG")
    assert b"<svg" in image(plot, "svg")
    assert image(plot, "pdf").startswith(b"%PDF")


def test_a_plot_that_cannot_be_written_leaves_nothing(plot: Plot, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected a file that ends in"):
        write_plot(plot, tmp_path / "front.gif")
    with pytest.raises(OSError, match="No such file"):
        write_plot(plot, tmp_path / "none" / "front.html")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("width", [40, 80, 120])
def test_characters_keep_to_the_width_and_the_corners(width: int) -> None:
    rising = Series("front", "circle", tuple((float(x), float(x)) for x in range(1, 11)), ("a",) * 10, ("a",) * 10)
    lines = characters(Plot("title", (), ("x", "y"), 0, 1, (rising,)), width).splitlines()
    assert max(map(len, lines)) <= width
    plot = [line for line in lines if "│" in line]
    assert plot[0].endswith("●")  # the largest is at the top right
    assert plot[-1].split("│")[1].startswith("●")
    heights = [20 - i for i, line in enumerate(plot) for c in line if c == "●"]
    assert len(heights) == 10


def test_one_point_is_a_plot_too() -> None:
    one = Series("front", "circle", ((1.0, 2.0),), ("a",), ("a",))
    assert "●" in characters(Plot("title", (), ("x", "y"), 0, 1, (one,)))


def test_the_plot_of_a_table(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("name,ms,top1\na,1,70\nb,2,75\nc,3,74\n")
    plot = table_plot(table_front(path, ["ms"], ["top1"]))
    assert {series.name: series.names for series in plot.series} == {"front": ("a", "b"), "dominated": ("c",)}


def test_predictions_are_never_bare() -> None:
    front = search("scaling")
    report = front_report(shown_front(front, spread(front, 10)))
    assert "top1" not in [column.name for column in report.flat.columns]
    assert all(row["top1_interval"] > 0 for row in report.flat.rows)
    assert all("±" in row["top1"] for row in report.tables[0].rows)
    assert any("predicted, not measured" in note for note in report.tables[0].notes)
    assert r"$\pm$" in to_latex(report)
    assert np.isfinite([row["top1_predicted"] for row in report.flat.rows]).all()
