"""Write the generated parts of the documentation anew.

They are the outputs on the pages of ``EXAMPLES``, the notebook of the first tutorial, and the audit in docs/audit.md.

python -m docs.generate                rewrite them; what was measured stays as it is, except with --fresh
python -m docs.generate --check        exit 1 when they are stale
python -m docs.generate PAGE ...       only these
"""

import re
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from docs.tools.examples import filled
from docs.tools.notebook import notebook
from lambda_arch import audit
from lambda_arch.files import atomic_write
from lambda_arch.reporting import FORMATS
from lambda_arch.reporting.audits import audit_report

ROOT = Path(__file__).parent.parent
TUTORIALS = sorted(path.name for path in (ROOT / "docs" / "tutorials").glob("*.md"))
EXAMPLES = ("README.md", *(f"docs/tutorials/{name}" for name in TUTORIALS))
NOTEBOOKS = ("docs/tutorials/ablations.md",)
AUDIT = "docs/audit.md"
BEGIN, END = "<!-- generated: the audit -->", "<!-- end of the audit -->"


def generated(page: str, fresh: bool = False) -> Iterator[tuple[Path, str]]:
    """Yield the files of a page with their text as it should be."""
    path = ROOT / page
    text = path.read_text("utf-8")
    if page == AUDIT:
        section = f"{BEGIN}\n\n{FORMATS['md'](audit_report(audit()))}\n{END}"
        text = re.sub(f"{re.escape(BEGIN)}.*{re.escape(END)}", lambda _: section, text, flags=re.DOTALL)
    else:
        with tempfile.TemporaryDirectory() as folder:
            text = filled(text, Path(folder), fresh)
    yield path, text
    if page in NOTEBOOKS:
        yield path.with_suffix(".ipynb"), notebook(text)


def stale(pages: Iterable[str]) -> list[Path]:
    """Return the files of ``pages`` that are not as they should be."""
    files = (file for page in pages for file in generated(page))
    return [path for path, text in files if not path.exists() or path.read_text("utf-8") != text]


def main(arguments: Sequence[str]) -> int:
    """Rewrite or check pages; return the exit code."""
    pages = [page for page in arguments if not page.startswith("--")] or [*EXAMPLES, AUDIT]
    if "--check" in arguments:
        for path in (found := stale(pages)):
            print(f"{path}: stale; `python -m docs.generate` rewrites it", file=sys.stderr)
        return 1 if found else 0
    for page in pages:
        for path, text in generated(page, fresh="--fresh" in arguments):
            atomic_write(path, text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
