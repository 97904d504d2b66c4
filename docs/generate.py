"""Write the generated sections of the documentation anew: what stands between the markers of docs/audit.md.

python docs/generate.py           rewrite them
python docs/generate.py --check   exit 1 when they are stale
"""

import re
import sys
from collections.abc import Sequence
from pathlib import Path

from lambda_arch import audit
from lambda_arch.files import atomic_write
from lambda_arch.reporting import FORMATS
from lambda_arch.reporting.audits import audit_report

PAGE = Path(__file__).parent / "audit.md"
BEGIN, END = "<!-- generated: the audit -->", "<!-- end of the audit -->"


def main(arguments: Sequence[str]) -> int:
    """Rewrite or check the page; return the exit code."""
    report = audit_report(audit())
    old = PAGE.read_text("utf-8")
    section = f"{BEGIN}\n\n{FORMATS['md'](report)}\n{END}"
    new = re.sub(f"{re.escape(BEGIN)}.*{re.escape(END)}", lambda _: section, old, flags=re.DOTALL)
    if new == old:
        return 0
    if "--check" in arguments:
        print(f"{PAGE}: stale; `python docs/generate.py` rewrites it", file=sys.stderr)
        return 1
    atomic_write(PAGE, new)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
