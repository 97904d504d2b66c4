"""What each extra adds to an installation: the size of its files, and the time to import it.

    python -m benchmarks.extras --runs 5

Sizes are of the installed files of a library and of its dependencies, without those that lambda-arch itself needs.
Import times are medians of processor time over fresh processes that have torch imported already.
"""

import argparse
import os
import platform
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from statistics import median

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

LIBRARIES = {
    "onnx": "onnx",
    "onnxscript": "onnx",
    "onnxruntime": "onnx",
    "openvino": "openvino",
    "keras": "keras",
    "timm": "timm",
    "torchvision": "timm",
    "ray": "cluster",
    "kornia": "train",
    "optuna": "study",
}
"""The extra that each library is in."""


def needed(names: Iterable[str]) -> set[str]:
    """Return the installed distributions that those in ``names`` need, these included."""
    found: set[str] = set()
    left = [canonicalize_name(name) for name in names]
    while left:
        name = left.pop()
        if name in found:
            continue
        try:
            requires = distribution(name).requires or []
        except PackageNotFoundError:  # of another platform
            continue
        found.add(name)
        for text in requires:
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                left.append(canonicalize_name(requirement.name))
    return found


def size(name: str) -> int:
    """Return the bytes of a distribution's installed files."""
    paths = {Path(str(file.locate())) for file in distribution(name).files or []}
    return sum(path.stat().st_size for path in paths if path.is_file())


def import_seconds(module: str) -> float:
    """Return the seconds of processor time of importing ``module`` in a process that has torch; NaN if it fails."""
    code = f"import time, torch; start = time.process_time(); import {module}; print(time.process_time() - start)"
    environment = {**os.environ, "KERAS_BACKEND": "torch"}
    command = [sys.executable, "-P", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        print(f"{module}: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)
        return float("nan")
    return float(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    base = needed(["lambda-arch"])
    print(f"{platform.machine()}, Python {platform.python_version()}; medians of {runs} imports")
    print(f"lambda-arch itself and what it needs: {len(base)} packages, {sum(map(size, base)) / 1e6:,.0f} MB")
    print("| library | extra | version | packages | MB | import s |\n|:---|:---|:---|---:|---:|---:|")
    for name, extra in LIBRARIES.items():
        import_seconds(name)  # byte code is compiled, files are in memory
        seconds = median(import_seconds(name) for _ in range(runs))
        added = needed([name]) - base
        megabytes = sum(map(size, added)) / 1e6
        print(
            f"| {name} | `{extra}` | {distribution(name).version} | {len(added)} | {megabytes:,.0f} | {seconds:.2f} |"
        )


if __name__ == "__main__":
    main()
