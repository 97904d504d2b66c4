import subprocess
import sys
from pathlib import Path

from lambda_arch.comparing import compare
from lambda_arch.published import table_names

ROOT = Path(__file__).parent.parent


def test_generated_sections_are_up_to_date():
    done = subprocess.run(
        [sys.executable, ROOT / "docs" / "generate.py", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_readme_tells_how_many_figures_agree():
    tallies = [compare(name).tally() for name in table_names()]
    agree, differ, missing = (sum(tally[kind] for tally in tallies) for kind in ("agree", "differ", "not buildable"))
    text = " ".join((ROOT / "README.md").read_text("utf-8").split())
    assert f"Of the {agree + differ + missing} printed" in text
    assert f"{agree} agree with our exact counts" in text
    assert f"{differ} differ" in text
    assert f"{missing} belong to layers" in text
