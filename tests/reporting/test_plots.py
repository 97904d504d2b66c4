"""Plots of fronts: what they show, and that they need nothing else."""

import re
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from lambda_arch import audit, compare, count
from lambda_arch.errors import DataError, LambdaArchError
from lambda_arch.reporting.formats import to_latex
from lambda_arch.reporting.fronts import front_report, shown_front
from lambda_arch.reporting.plots import plot_of
from lambda_arch.reporting.plots.files import write_plot
from lambda_arch.reporting.plots.fronts import front_plot, table_plot
from lambda_arch.reporting.plots.image import image
from lambda_arch.reporting.plots.page import html_page
from lambda_arch.reporting.plots.plot import AnyPlot, Bars, Plot, Series, tick_text
from lambda_arch.reporting.plots.text import characters
from lambda_arch.searching import search
from lambda_arch.searching.highlights import spread
from lambda_arch.searching.table_front import table_front
from lambda_arch.searching.training_runs import published_runs


@pytest.fixture(scope="module")
def plot() -> Plot:
    front = search("scaling", minimize=["macs", "params"], maximize=["top1"])
    return front_plot(shown_front(front, spread(front, 30)))


def test_a_plot_begins_with_the_first_cost_and_the_gain(plot: Plot) -> None:
    assert plot.headings == ("MACs (G)", "params (M)", "top-1 (%)")
    assert (plot.x, plot.y) == (0, 2)
    kinds = {series.name: series for series in plot.series}
    assert {"front, predicted", "front, extrapolated", "knee", "best", "EfficientNets, as printed"} <= set(kinds)
    assert all("extrapolated beyond" in text for text in kinds["front, extrapolated"].texts)
    assert all("printed top-1" in text for text in kinds["published, line to its prediction"].texts)
    assert sum(len(series.names) for name, series in kinds.items() if series.intervals and any(series.intervals)) == 30


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


def small(kind: str) -> AnyPlot:
    if kind == "bars":
        return Bars("a", ("note",), "ms", ("</script><b>", "y"), (("one", (1.0, None)), ("two", (0.0, 3.0))))
    texts = ("first", "second", "third")
    series = Series(
        "line", "square", ((1.0, 2.0), (3.0, 4.0), (900.0, 5.0)), texts, texts, line=True,
        intervals=((1.5, 2.5), None, (4.0, 7.0)), ends=(None, 9.0, None),
    )  # fmt: skip
    return Plot("a", (), ("x", "y"), 0, 1, (Series("only a line", "", ((1.0, 1.0), (2.0, 2.0)), (), ()), series), True)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["bars", "points"])
def test_every_kind_is_drawn_everywhere(kind: str, tmp_path: Path) -> None:
    plot = small(kind)
    page = html_page(plot)
    for name in ("y",) if kind == "bars" else ("first", "second", "third"):
        assert f"<td>{name}</td>" in page, "the data is in a table too"
    assert "</script><b>" not in page
    assert len(characters(plot, 80).splitlines()) > 3
    svg = image(plot, "svg")
    assert svg == image(plot, "svg"), "the same plot is the same file"
    assert b"<text" not in svg, "letters are outlines, so no font is needed"
    assert b'width="237.6pt"' in svg, "3.3 inches"
    assert b'width="360pt"' in image(plot, "svg", 5.0)


def test_a_page_is_small(plot: Plot) -> None:
    assert len(html_page(plot).encode()) < 2_000_000


def test_logarithmic_ticks_are_1_2_and_5() -> None:
    plot = small("points")
    assert isinstance(plot, Plot)
    assert plot.is_logarithmic(0)
    assert [tick for tick in plot.ticks(0) if 1 <= tick <= 1000] == [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]
    assert [tick_text(tick) for tick in (0.05, 5, 50, 5000, 2e6)] == ["0.05", "5", "50", "5000", "2e6"]
    assert max(plot.of_axis(1)) == 9, "thin lines and intervals are within the axis"


def test_published_networks_are_drawn_as_printed() -> None:
    front = search("scaling", minimize=["macs"], maximize=["top1"])
    plot = front_plot(shown_front(front, spread(front, 30)))
    lines = [series for series in plot.series if not series.symbol]
    assert len(lines) == 1
    assert lines[0].line
    assert list(lines[0].values) == sorted(lines[0].values)
    (published,) = (series for series in plot.series if series.name.startswith("published"))
    printed = {(str(run.architecture), run.top1) for run in published_runs()}
    for name, values, end in zip(published.names, published.values, published.ends, strict=True):
        assert (name, values[1]) in printed
        assert end is not None
        assert abs(end - values[1]) < 2, "the prediction is near"
    (efficientnets,) = (series for series in plot.series if series.name.startswith("EfficientNets"))
    assert efficientnets.values[0] == pytest.approx((count("efficientnet_b0").macs / 1e9, 77.1))


def test_every_result_with_a_plot_is_found() -> None:
    assert isinstance(plot_of(count("lambda_resnet50")), Bars)
    hybrid = plot_of(compare("hybrid_stages"))
    assert isinstance(hybrid, Plot)
    ours, theirs = hybrid.series
    assert len(ours.values) == 8
    assert (len(theirs.values), theirs.values[0]) == (1, pytest.approx((15.4, 78.3))), "CCLL is printed as 15.4"
    with pytest.raises(DataError, match="no printed top-1"):
        plot_of(compare("seed_models"))
    with pytest.raises(LambdaArchError, match="has no plot"):
        plot_of(audit("hybrid_stages"))


def test_shares_of_a_ledger_add_up() -> None:
    bars = plot_of(count("lambda_mobilenet"))
    assert isinstance(bars, Bars)
    for _, values in bars.series:
        assert sum(value or 0 for value in values) == pytest.approx(100)


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


def test_long_names_fit_in_the_legend_of_a_narrow_image() -> None:
    names = [f"lambda_resnet26:stages=CLLL,classes=10,m=7@32, seed {i}" for i in range(6)]
    series = tuple(Series(name, "circle", ((1.0, 70.0), (5.0, 80.0)), (name,) * 2, (name,) * 2) for name in names)
    pixels = imread(BytesIO(image(Plot("Runs", (), ("epoch", "top-1 (%)"), 0, 1, series), "png")))
    assert pixels.shape[1] == round(3.3 * 300)
    legend = pixels[-300:, :, :3]
    assert (legend[:, :5] == 1).all(), "nothing is cut off at the left"
    assert (legend[:, -5:] == 1).all(), "or at the right"
    assert (legend != 1).any()


def test_a_table_without_printed_costs_is_drawn_over_our_count() -> None:
    plot = plot_of(compare("pareto_figure3"))
    assert isinstance(plot, Plot)
    assert [series.name for series in plot.series] == ["LambdaResNet", "EfficientNet"]
    macs, top1 = plot.series[1].values[0]
    assert (macs, top1) == (count("efficientnet_b0").macs / 1e9, 77.1)
