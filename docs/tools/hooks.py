"""What MkDocs does beside its configuration: pages made at build time, pages outside docs/, links out of it.

The references of commands and of Python are made from the code when the site is built, so they are never stale.
"""

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer.main
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

import lambda_arch
from lambda_arch.cli.main import make_app

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


def command_reference() -> str:
    """Return a page of all commands with their arguments and flags."""
    lines = [
        "# Every command and flag",
        "",
        "Made from the commands themselves: what `lambda-arch COMMAND --help` says.",
    ]
    for name, command in commands(typer.main.get_command(make_app())):
        context = command.make_context(name, [], resilient_parsing=True)
        usage = " ".join(command.collect_usage_pieces(context))
        lines += ["", f"## {name}", "", f"    lambda-arch {name} {usage}", "", str(command.help), ""]
        rows = [record for param in command.get_params(context) if (record := param.get_help_record(context))]
        if rows:
            lines += ["| flag | |", "|:---|:---|"]
        lines += [f"| {code(flag)} | {escaped(text)} |" for flag, text in rows]
    return "\n".join(lines) + "\n"


def commands(group: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each command with its full name, those of groups too."""
    for name, command in group.commands.items():
        yield f"{prefix}{name}", command
        if hasattr(command, "commands"):
            yield from commands(command, f"{prefix}{name} ")


def code(text: str) -> str:
    """Return ``text`` as code in a Markdown table."""
    return f"`{re.sub(' <.*>', '', text)}`"


def escaped(text: str) -> str:
    """Return ``text`` as plain words in a Markdown table."""
    return re.sub(r"([|*_<>\[\]`])", r"\\\1", " ".join(text.split()))


GROUPS = {
    "Architectures and their costs": "parse ResNet count Ledger count_many memory Footprint side_by_side",
    "Published figures": "compare table audit match",
    "Networks": "build LambdaLayer prepare convert export",
    "Latency": "measure calibrate predict Store",
    "Searching": "search propose explore",
    "Training": "train evaluate Recipe",
    "Errors": " ".join(name for name in lambda_arch.__all__ if name.endswith("Error")),
}
"""The public names by what they are for; a name that is in no group comes last."""


def python_reference() -> str:
    """Return a page with the docstring of every public name."""
    named = {name for names in GROUPS.values() for name in names.split()}
    others = " ".join(name for name in lambda_arch.__all__ if name not in named)
    lines = ["# Python", "", "The public names of `lambda_arch`, with shapes, units, errors and sources."]
    for group, names in {**GROUPS, "More": others}.items():
        if names:
            lines += ["", f"## {group}"]
        lines += [f"\n::: lambda_arch.{name}" for name in names.split()]
    return "\n".join(lines) + "\n"
