"""Pages in a browser: headless Chromium, where one is installed."""

import pytest

from lambda_arch.reporting.html_report import html_report
from lambda_arch.reporting.plots.page import html_page
from lambda_arch.reporting.plots.plot import Bars, Plot, Series
from lambda_arch.store import Store
from tests.browser import browser, needs_chromium, visit_file

__all__ = ["browser", "visit_file"]
pytestmark = [pytest.mark.slow, needs_chromium]
NAMES = ("lambda_resnet50:k=8", "<script>alert(1)</script>")


@pytest.fixture
def visit(visit_file, tmp_path):
    """Open a page of this text."""

    def open_page(text: str, width: int = 1200, scheme: str = "light"):
        path = tmp_path / "page.html"
        path.write_text(text, encoding="utf-8")
        return visit_file(path, width, scheme)

    return open_page


def several() -> Plot:
    names = (("one", "circle"), (NAMES[1], "square"))
    series = tuple(Series(name, symbol, ((1.0, 70.0),), (name,), (name,)) for name, symbol in names)
    return Plot("Two", (), ("epoch", "top-1 (%)"), 0, 1, series)


def plot() -> Plot:
    series = Series("networks", "circle", ((1.0, 70.0), (40.0, 80.0)), NAMES, NAMES, intervals=((69.0, 71.0), None))
    return Plot("A plot", ("A note.",), ("MACs (G)", "top-1 (%)"), 0, 1, (series,))


@pytest.mark.parametrize("width", [390, 768, 1400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_plot_fits_and_follows_the_scheme(visit, width, scheme):
    page = visit(html_page(plot()), width, scheme)
    page.wait_for_selector(".scatterlayer .point")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    paper = page.evaluate("document.querySelector('.target')._fullLayout.paper_bgcolor")
    assert (background == "rgb(255, 255, 255)") == (scheme == "light")
    assert (paper == "#ffffff") == (scheme == "light")
    assert page.locator("[role=img]").get_attribute("aria-label").startswith("A plot: top-1 (%) over MACs (G)")


def test_points_tell_their_names_and_copy_them(visit):
    page = visit(html_page(plot()))
    page.wait_for_selector(".scatterlayer .point")
    point = page.locator(".scatterlayer .point").first.bounding_box()
    x, y = point["x"] + point["width"] / 2, point["y"] + point["height"] / 2
    page.mouse.move(x, y)
    page.wait_for_selector(".hoverlayer .hovertext")
    assert NAMES[0] in page.locator(".hoverlayer").text_content()
    page.mouse.click(x, y)
    page.wait_for_function("document.getElementById('copied').textContent !== ''")
    assert NAMES[0] in page.locator("#copied").inner_text()
    page.keyboard.press("Tab")
    page.get_by_text("The data").click()
    assert NAMES[1] in page.locator("table").inner_text()


def test_bars_are_drawn(visit):
    page = visit(html_page(Bars("Bars", (), "ms", NAMES, (("median", (1.0, 2.0)),))))
    page.wait_for_selector(".barlayer .point")
    assert page.locator(".barlayer .point").count() == 2


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    with Store(tmp_path_factory.mktemp("store") / "s.db") as store:
        return html_report(store, spaces=["scaling"], architectures=["resnet18"])


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (820, "light"), (1400, "dark")])
def test_the_report_fits_and_draws_what_comes_into_view(visit, report, width, scheme):
    page = visit(report, width, scheme)
    page.wait_for_selector(".scatterlayer .point")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.locator("#costs .plot").scroll_into_view_if_needed()
    page.wait_for_selector("#costs .barlayer .point")


def test_the_report_starts_small(visit, report):
    page = visit(report)
    page.wait_for_selector(".scatterlayer .point")
    assert page.evaluate("document.querySelectorAll('*').length") < 12_000
    drawn, plots = page.locator(".js-plotly-plot").count(), page.locator(".plot").count()
    assert 0 < drawn < plots, "plots are drawn when they come near"


def test_the_report_prints_all_tables_and_plots_in_black_on_white(visit, report):
    page = visit(report, scheme="dark")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    page.wait_for_function(
        "document.querySelectorAll('.js-plotly-plot').length === document.querySelectorAll('.plot').length"
    )
    page.wait_for_function("document.querySelector('.target')._fullLayout.paper_bgcolor === '#ffffff'")
    assert page.locator("#table-hybrid_stages tbody tr").first.is_visible()
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert page.locator("#table-hybrid_stages tbody tr").first.is_hidden()


def test_a_narrow_plot_lists_its_names_below(visit):
    page = visit(html_page(several()), 390)
    page.wait_for_selector(".scatterlayer .point")
    assert page.locator(".legend li").all_inner_texts() == ["●\none", f"■\n{NAMES[1]}"]
    assert page.locator(".infolayer .legend .traces").count() == 0
    wide = visit(html_page(several()), 1200)
    wide.wait_for_selector(".infolayer .legend .traces")
    assert wide.locator("ul.legend").count() == 0


def test_verdicts_are_told_and_copied(visit, report):
    page = visit(report)
    mark = page.locator("#verdicts button.differs").first
    mark.hover()
    tip = page.locator("#tip").inner_text()
    assert "differs" in tip
    assert "ours" in tip
    mark.click()
    page.wait_for_function("document.getElementById('copied').textContent !== ''")
    assert "lambda-arch params" in page.locator("#copied").inner_text()
    page.keyboard.press("Tab")
    assert page.locator("#tip").inner_text() != tip, "the keyboard reaches the next mark"
    page.keyboard.press("Escape")
    assert page.locator("#tip").is_hidden()


def test_tables_are_sorted_and_filtered(visit, report):
    page = visit(report)
    page.locator("#table-hybrid_stages summary").click()
    table = page.locator("#table-hybrid_stages table")

    def column(number):
        return [float(text) for text in table.locator(f"tbody td:nth-child({number})").all_inner_texts()]

    before = column(2)
    head = table.locator("th:nth-child(2)")
    head.locator("button").click()
    assert column(2) == sorted(before)
    assert head.get_attribute("aria-sort") == "ascending"
    head.locator("button").click()
    assert column(2) == sorted(before, reverse=True)
    page.locator("#table-hybrid_stages input").fill("cclL")
    assert table.locator("tbody tr:visible").count() == 1
