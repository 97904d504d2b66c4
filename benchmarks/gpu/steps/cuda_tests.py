"""Step 1: the machine, and the tests that need a GPU."""

import importlib.util
import os
import re
import subprocess
import sys
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.gpu.item import Item, Row, SkippedError
from benchmarks.gpu.settings import Settings, Sizes

ROOT = Path(__file__).parents[3]
PACKAGES = ("torch", "triton", "numpy", "psutil", "nvidia-ml-py", "fvcore", "moocore", "pymoo", "safetensors", "rich",
            "typer", "pandas", "lambda-networks", "timm", "pytest", "hypothesis")  # fmt: skip
SECONDS = 120.0


def items(sizes: Sizes) -> list[Item]:
    """Return an item for the machine, and one for each group of tests."""
    found = [Item(1, "machine", "machine", 60.0, machine, ("torch",))]
    for targets in sizes.tests:
        key = f"tests {Path(targets[0]).stem}"
        found.append(Item(1, key, "tests", SECONDS, partial(run_tests, targets), ("pytest", "hypothesis")))
    return found


def machine(settings: Settings) -> list[Row]:
    """Return the device, its driver, and the versions of all packages that matter; missing ones are empty."""
    from benchmarks.gpu.machine import describe

    packages = {}
    for name in PACKAGES:
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            packages[name] = ""
    return [{**describe(settings), **packages}]


def run_tests(targets: tuple[str, ...], settings: Settings) -> list[Row]:
    """Run tests in a process of their own and return what pytest counted; raises where one failed."""
    if importlib.util.find_spec("tests") is None:
        raise SkippedError("the folder of tests is not here")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-o",
        "addopts=",
        "-q",
        "-p",
        "no:cacheprovider",
        "--maxfail=3",
        *targets,
    ]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=os.environ, check=False)
    print(result.stdout[-20_000:], result.stderr[-5_000:], file=sys.stderr)
    last = next((line for line in reversed(result.stdout.splitlines()) if line.strip()), "")
    counts = {what: int(number) for number, what in re.findall(r"(\d+) (passed|failed|skipped|error)", last)}
    if result.returncode == 5:  # nothing was selected
        raise SkippedError("no such test")
    if result.returncode:
        failed = [line for line in result.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
        raise RuntimeError("; ".join(failed)[:250] or last or f"pytest ended with {result.returncode}")
    return [{"tests": " ".join(targets), **counts}]
