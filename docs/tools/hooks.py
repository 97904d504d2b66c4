"""What MkDocs does beside its configuration: pages made at build time, pages outside docs/, links out of it.

The references of commands and of Python are made from the code when the site is built, so they are never stale.
"""

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from docs.tools.reference import command_reference, python_reference

ROOT = Path(__file__).parents[2]
OUTSIDE = ("CHANGELOG.md", "SECURITY.md")
"""Pages of the site that stay at the root of the repository."""
LINK = re.compile(r"\[([^\]]*)\]\(([\w./-]+)(#[^)]*)?\)")


def on_config(config: MkDocsConfig) -> None:
    """Put pages that the navigation does not name at the end of the how-to pages."""
    named = str(config.nav)
    new = [path.name for path in sorted((ROOT / "docs").glob("*.md")) if f"'{path.name}'" not in named]
    next(group for group in config.nav or [] if "How to" in group)["How to"] += new


def on_files(files: Files, config: MkDocsConfig) -> None:
    """Add the pages that are made at build time and those from outside docs/."""
    pages = {"reference/cli.md": command_reference(), "reference/api.md": python_reference()}
    pages |= {name: (ROOT / name).read_text("utf-8").replace("](docs/", "](") for name in OUTSIDE}
    pages["index.md"] = start_page()
    for name, text in pages.items():
        files.append(File.generated(config, name, content=text))


def start_page() -> str:
    """Return the top of the README, without side bars."""
    top = (ROOT / "README.md").read_text("utf-8").partition("## Setup")[0]
    return f"---\nhide: [navigation, toc]\n---\n\n{top.replace('](docs/', '](')}"


def on_page_markdown(markdown: str, page: Any, **_: object) -> str:
    """Lead links out of docs/ to the pages from there; files of the repository without a page are named alone."""

    def target(match: re.Match[str]) -> str:
        text, link, anchor = match.group(1), match.group(2), match.group(3) or ""
        path = posixpath.normpath(posixpath.join("docs", posixpath.dirname(page.file.src_uri), link))
        if path in OUTSIDE:
            return f"[{text}]({posixpath.relpath(path, posixpath.dirname(page.file.src_uri) or '.')}{anchor})"
        outside = not path.startswith("docs/") and (ROOT / path).exists()
        return f"{text} (`{path}` of the repository)" if outside else match.group(0)

    return LINK.sub(target, markdown)
