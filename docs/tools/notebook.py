"""A page as a notebook: its text, its Python as code with outputs, its commands with a ``!`` in front."""

import json
from typing import Any

from docs.tools.examples import BLOCK, examples


def notebook(text: str) -> str:
    """Return the notebook (nbformat 4.5) of a page, as JSON."""
    cells: list[dict[str, Any]] = []

    def add(kind: str, source: str, **more: object) -> None:
        if source.strip():
            cells.append(
                {"cell_type": kind, "id": f"cell-{len(cells)}", "metadata": {}, "source": source.strip(), **more}
            )

    end = 0
    for block in BLOCK.finditer(text):
        if block["kind"] not in ("console", "pycon"):
            continue
        add("markdown", text[end : block.start()])
        end = block.end()
        sources: list[str] = []
        for example in examples(block["kind"], block["body"]):  # statements up to an output are one code cell
            sources.append(f"!{example.source}" if block["kind"] == "console" else example.source)
            if not example.output and block["kind"] == "pycon":
                continue
            source, sources = "\n".join(sources), []
            output = {"output_type": "stream", "name": "stdout", "text": example.output}
            add("code", source, execution_count=None, outputs=[output] if example.output else [])
        add("code", "\n".join(sources), execution_count=None, outputs=[])
    add("markdown", text[end:])
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    content = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"
