"""Step 1: the machine, and the tests that need a GPU."""

import importlib.util
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.gpu.item import Item, Row, SkippedError
from benchmarks.gpu.settings import Settings, Sizes

ROOT = Path(__file__).parents[3]
PACKAGES = ("torch", "triton", "numpy", "psutil", "nvidia-ml-py", "fvcore", "moocore", "pymoo", "safetensors", "rich",
            "typer", "pandas", "lambda-networks", "timm", "pytest", "hypothesis")  # fmt: skip

SECONDS = 110.0  # of all tests


def items(sizes: Sizes) -> list[Item]:
    """Return an item for the machine, and one for all tests."""
    del sizes
    return [
        Item(1, "machine", "machine", 10, 120, machine, ("torch",)),
        Item(1, "tests", "tests", 60, 150, run_tests, ("pytest", "hypothesis")),
    ]


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


def run_tests(settings: Settings) -> Iterator[Row]:
    """Run the tests of each file in a process of its own, all at once, and return what pytest counted.

    Files that take longer than SECONDS, since kernels are compiled, are ended and say what passed until then.
    """
    if importlib.util.find_spec("tests") is None:
        raise SkippedError("the folder of tests is not here")
    by_file: dict[str, list[str]] = {}
    for address in settings.sizes.tests:
        by_file.setdefault(address.partition("::")[0], []).append(address)
    # without the settings and fixtures of all tests, which import packages that may be missing here; and without TF32,
    # since float32 is compared with float32
    command = [sys.executable, "-m", "pytest", "-o", "addopts=", "-q", "-p", "no:cacheprovider", "--noconftest"]
    running = {
        file: subprocess.Popen([*command, *addresses], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               text=True, env={**os.environ, "NVIDIA_TF32_OVERRIDE": "0"})
        for file, addresses in by_file.items()
    }  # fmt: skip
    end = time.monotonic() + SECONDS
    for file, process in running.items():
        try:
            output, _ = process.communicate(timeout=max(0.1, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            output, _ = process.communicate()
            yield {"tests": file, "status": "timeout", "passed": output.partition("\n")[0].count(".")}
            continue
        print(output[-20_000:], file=sys.stderr)
        lines = output.splitlines()
        last = next((line for line in reversed(lines) if line.strip()), "")
        counts = {what: int(number) for number, what in re.findall(r"(\d+) (passed|failed|skipped|error)", last)}
        row: Row = {"tests": file, "status": "ok" if process.returncode == 0 else "failed", **counts}
        if process.returncode:
            failed = [line for line in lines if line.startswith(("FAILED", "ERROR"))]
            row["reason"] = "; ".join(failed)[:300] or last or f"pytest ended with {process.returncode}"
        yield row
