"""How long a command takes to start, next to a typer program with one option.

    python -m benchmarks.startup --runs 40

Both run in turn, in fresh processes; medians of wall time and of processor time (user and system), and their ratios.
"""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from statistics import median

TRIVIAL = """
import typer


def main(k: int = 16) -> None:
    print(k)


typer.run(main)
"""
COMMAND = ["-m", "lambda_arch", "params", "--k", "16", "--h", "4", "--u", "1"]


def seconds(arguments: list[str]) -> tuple[float, float]:
    """Return the wall time and the processor time of one run of python with ``arguments``."""
    begin = time.perf_counter()
    process = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begin
    assert status == 0, arguments
    return wall, usage.ru_utime + usage.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=40)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        trivial = Path(folder) / "trivial.py"
        trivial.write_text(TRIVIAL)
        sides = {
            "python": ["-c", "pass"],
            "trivial": [str(trivial)],
            "params": COMMAND,
            "params, as a table": [*COMMAND, "--format", "table"],
        }
        for arguments in sides.values():  # byte code is compiled, files are in memory
            seconds(arguments)
        found = {name: [] for name in sides}
        for _ in range(runs):
            for name, arguments in sides.items():
                found[name].append(seconds(arguments))
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, typer {version('typer')}")
    print(f"medians of {runs} interleaved runs, ms: wall, processor time")
    for name, values in found.items():
        print(f"{name:18} {1e3 * median(v[0] for v in values):6.0f} {1e3 * median(v[1] for v in values):6.0f}")
    for name in ("params", "params, as a table"):
        ratios = [median(a[i] / b[i] for a, b in zip(found[name], found["trivial"], strict=True)) for i in (0, 1)]
        print(f"{name} over trivial: {ratios[0]:.2f} wall, {ratios[1]:.2f} processor time")


if __name__ == "__main__":
    main()
