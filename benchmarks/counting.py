"""Speed of counting: the command as a process, a million variants at once, and the counters that run networks.

    python benchmarks/counting.py

Prints what was measured on this machine: medians over several runs, all in this run.
"""

import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from fvcore.nn import FlopCountAnalysis
from torch.utils.flop_counter import FlopCounterMode

from lambda_arch import build, count_many, parse
from lambda_arch.comparing import compare
from lambda_arch.costs import count
from lambda_arch.published import table_names

MILLION = 1_000_000


def seconds(run: Callable[[], object], times: int) -> list[float]:
    run()
    samples = []
    for _ in range(times):
        start = time.perf_counter()
        run()
        samples.append(time.perf_counter() - start)
    return samples


def line(what: str, samples: list[float], per_second: float = 0) -> None:
    rate = f"{per_second / statistics.median(samples):>14,.1f} networks/s" if per_second else ""
    spread = f"{min(samples):.3f} to {max(samples):.3f}"
    print(f"{what:<58}{statistics.median(samples):>9.3f} s  ({spread}){rate}")


def variants() -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    letters = np.array(list("CL"))[random.integers(0, 2, (MILLION, 4))]
    return {
        "k": random.choice([2, 4, 8, 16, 32], MILLION),
        "h": random.choice([1, 2, 4, 8, 16], MILLION),
        "u": random.choice([1, 2, 4, 8], MILLION),
        "m": random.choice([0, 3, 7, 15, 23, 31], MILLION),
        "stages": letters.view("U4").ravel(),
    }


def by_fvcore() -> int:
    with torch.no_grad():
        analysis = FlopCountAnalysis(build("lambda_resnet50").eval(), torch.zeros(1, 3, 224, 224))
        return int(analysis.unsupported_ops_warnings(False).total())


def by_torch() -> int:
    network = build("lambda_resnet50", device="meta").eval()
    with FlopCounterMode(display=False) as flops, torch.no_grad():
        network(torch.zeros(1, 3, 224, 224, device="meta"))
    return flops.get_total_flops()


def main() -> None:
    torch.set_num_threads(os.cpu_count() or 1)
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
          f"torch {torch.__version__}, numpy {np.__version__}; median (fastest to slowest)")  # fmt: skip
    command = [sys.executable, "-m", "lambda_arch", "params", "--k", "16", "--h", "4", "--u", "1"]
    line(
        "lambda-arch params --k 16 --h 4 --u 1, whole process",
        seconds(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL), 9),
    )
    line("all tables compared, closed form, whole process", seconds(
        lambda: subprocess.run([*command[:3], "tables"], check=True, stdout=subprocess.DEVNULL), 5))  # fmt: skip
    line("all tables compared, in process", seconds(lambda: [compare(name) for name in table_names()], 5))
    many = variants()
    line("count_many: a million LambdaResNet-50 variants", seconds(lambda: count_many(**many), 5), MILLION)
    architecture = parse("lambda_resnet50")
    line("count: closed form, one LambdaResNet-50", seconds(lambda: count(architecture), 50), 1)
    line("FlopCounterMode on meta, build included", seconds(by_torch, 5), 1)
    line("fvcore, build included", seconds(by_fvcore, 5), 1)


if __name__ == "__main__":
    main()
