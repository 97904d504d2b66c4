"""What the kit was asked for, and the sizes that it measures: whole ones, or tiny ones for a dry run. No torch."""

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lambda_arch.store.setup import device_name


@dataclass(frozen=True)
class Sizes:
    """Networks, batches and times. ``layers``: (channels, side) of distinct lambda layers; ``seconds`` of sampling.

    ``table_batches``: the batch of inference and of training in published tables; ``table_rows``, ``table_side``: of a
    table so many rows, at this image size; None for all, as printed. ``predicted``: random networks, of blocks with
    ``choices``. ``largest``: no batch is larger. ``modes``: in
    which networks run, besides compiled; ``tests``: addresses of tests.
    """

    network: str
    hybrid: str
    plain: str
    layers: tuple[tuple[int, int], ...]
    layer_batches: tuple[int, ...]
    batches: tuple[int, ...]
    check_batch: int
    modes: tuple[str, ...]
    dtypes: tuple[str, ...]
    rounds: int
    seconds: float
    table_batches: tuple[int, int]
    table_rows: int | None
    table_side: int | None
    choices: str
    predicted: int
    memory_batch: int
    largest: int
    tests: tuple[str, ...]


WHOLE = Sizes(
    network="lambda_resnet50",
    hybrid="lambda_resnet50:stages=CCLL",
    plain="resnet50",
    layers=((64, 56), (128, 56), (128, 28), (256, 28), (256, 14), (512, 14), (512, 7)),
    layer_batches=(128, 1),
    batches=(128, 1, 32),
    check_batch=4,
    modes=("eager", "graph"),
    dtypes=("bf16", "tf32", "fp32", "fp16"),
    rounds=9,
    seconds=2.0,
    table_batches=(128, 32),
    table_rows=None,
    table_side=None,
    choices="k=8|16,m=7|23",
    predicted=24,
    memory_batch=32,
    largest=1 << 14,
    tests=(
        "tests/costs/test_footprint.py::test_the_peak_is_that_of_cudas_allocator",
        "tests/nn/test_networks.py::test_cuda_gives_what_the_cpu_gives",
        "tests/nn/test_on_gpu.py::test_cuda_gives_the_same_logits",
        "tests/nn/test_plan.py::test_evaluations_are_equal_on_a_gpu",
        "tests/timing/test_autotuning.py::test_evaluations_are_measured_on_a_gpu",
        "tests/timing/test_preparing.py::test_on_cuda_a_stored_preparation_is_used",
        "tests/timing/worker/test_part_timer.py::test_cuda_parts_add_up",
        "tests/timing/worker/test_workload.py::test_cuda_steps_are_timed_by_events",
        "tests/nn/test_fused.py",  # takes longest
    ),
)

TINY = Sizes(
    network="lambda_resnet18:stages=CCCL,k=2,m=3,classes=3@32",
    hybrid="lambda_resnet18:stages=CCLC,k=2,m=3,classes=3@32",
    plain="resnet18:classes=3@32",
    layers=((512, 1), (512, 2)),
    layer_batches=(16,),
    batches=(2,),
    check_batch=2,
    modes=("graph",),
    dtypes=("bf16",),
    rounds=1,
    seconds=0.01,
    table_batches=(2, 2),
    table_rows=2,
    table_side=32,
    choices="k=2,m=3",
    predicted=2,
    memory_batch=2,
    largest=4,
    tests=("tests/published",),
)


@dataclass(frozen=True)
class Settings:
    """The command line. ``deadline``: the time, in seconds since the epoch, at which everything has ended."""

    out: Path
    device: str
    deadline: float
    sizes: Sizes
    dry: bool = False
    d_li14: Path | None = None
    leaderj1001: Path | None = None
    wheels: Path | None = None
    summary_only: bool = False
    arguments: tuple[str, ...] = ()

    def left(self) -> float:
        """Return the seconds until the deadline."""
        return self.deadline - time.time()


def read_settings(arguments: Sequence[str]) -> Settings:
    """Return the settings of a command line, or end the program with a message."""
    import benchmarks.gpu

    parser = argparse.ArgumentParser(
        "python -m benchmarks.gpu", description=benchmarks.gpu.__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="a second call goes on there")
    parser.add_argument("--minutes", type=float, default=9.0, help="time for this call (default 9)")
    parser.add_argument("--device", default="cuda", help="cuda or cuda:N; cpu for a dry run")
    parser.add_argument("--dry-run", action="store_true", help="tiny sizes: whether everything runs, no figures")
    parser.add_argument("--summary", action="store_true", help="measure nothing; write summary and tables of FOLDER")
    parser.add_argument("--d-li14", type=Path, metavar="PATH", help="d-li14/lambda.pytorch, or its lambda_layer.py")
    parser.add_argument("--leaderj1001", type=Path, metavar="PATH", help="leaderj1001/LambdaNetworks, or its model.py")
    parser.add_argument("--wheels", type=Path, metavar="FOLDER", help="wheels of packages that Python here lacks")
    parser.add_argument("--deadline", type=float, help=argparse.SUPPRESS)  # of the call, for its own processes
    given = parser.parse_args(arguments)
    if not 0 < given.minutes < 1e4:
        parser.error(f"--minutes {given.minutes:g}: expected a number over 0")
    device = device_name(given.device)  # with its number, which CUDA's functions want
    if device == "cpu" and not given.dry_run:
        parser.error("--device cpu: expected --dry-run with it; `python -m benchmarks.layers` measures CPUs")
    for name, kind in {"d_li14": "a folder or file", "leaderj1001": "a folder or file", "wheels": "a folder"}.items():
        path = getattr(given, name)
        if path is not None and not (path.is_dir() or (path.is_file() and kind != "a folder")):
            parser.error(f"--{name.replace('_', '-')} {path}: expected {kind}")
    return Settings(
        out=given.out,
        device=device,
        deadline=given.deadline or time.time() + 60 * given.minutes,
        sizes=TINY if given.dry_run else WHOLE,
        dry=given.dry_run,
        d_li14=given.d_li14,
        leaderj1001=given.leaderj1001,
        wheels=given.wheels,
        summary_only=given.summary,
        arguments=tuple(arguments),
    )
