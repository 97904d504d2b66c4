"""The documentation's site opens from disk, and so does its search. `make docs` builds all its pages."""

from pathlib import Path

import pytest

from tests.browser import browser, needs_chromium, visit_file

__all__ = ["browser", "visit_file"]
pytestmark = [pytest.mark.slow, needs_chromium]
ROOT = Path(__file__).parent.parent
PAGES = {
    "index.md": "# Start\n\nA page.\n\n[More](more/second.md)\n",
    "more/second.md": "# Second\n\n## Verdicts\n\nA truncated figure agrees.\n",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A site of two pages, by the settings of ours."""
    pytest.importorskip("material")
    from mkdocs.commands.build import build
    from mkdocs.config import load_config

    folder = tmp_path_factory.mktemp("site")
    for name, text in {
        **PAGES,
        **{f"assets/{path.name}": path.read_text() for path in ROOT.glob("docs/assets/*")},
    }.items():
        (folder / "docs" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "docs" / name).write_text(text)
    config = load_config(
        str(ROOT / "mkdocs.yml"),
        docs_dir=str(folder / "docs"),
        site_dir=str(folder / "site"),
        nav=None,
        hooks=[],
        plugins=["search", "offline"],
    )
    build(config)
    return folder / "site"


def test_the_search_works_from_disk(visit_file, site):
    page = visit_file(site / "more" / "second.html")
    page.locator(".md-search__input").click()
    page.keyboard.type("truncated")
    page.wait_for_selector(".md-search-result__item")
    assert "Verdicts" in page.locator(".md-search-result__item").first.inner_text()
    page.locator(".md-search-result__item a").first.click()
    page.wait_for_url("**/more/second.html*")
