"""What the kit was asked for, and the sizes that it measures: whole ones, or tiny ones for a dry run. No torch."""

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Sizes:
    """Networks, batches and times. ``layers``: (channels, side) of distinct lambda layers; ``seconds`` of sampling.

    ``table_rows``, ``table_side``: of a published table so many rows, at this image size; None for all, as printed.
    """

    network: str
    hybrid: str
    plain: str
    layers: tuple[tuple[int, int], ...]
    layer_batches: tuple[int, ...]
    batches: tuple[int, ...]
    train_batch: int
    check_batch: int
    dtypes: tuple[str, ...]
    rounds: int
    seconds: float
    table_batch: int
    table_rows: int | None
    table_side: int | None
    choices: str
    predicted: int
    largest: int
    tests: tuple[tuple[str, ...], ...]


WHOLE = Sizes(
    network="lambda_resnet50",
    hybrid="lambda_resnet50:stages=CCLL",
    plain="resnet50",
    layers=((64, 56), (128, 56), (128, 28), (256, 28), (256, 14), (512, 14), (512, 7)),
    layer_batches=(128, 1),
    batches=(128, 1, 32),
    train_batch=128,
    check_batch=4,
    dtypes=("bf16", "tf32", "fp32", "fp16"),
    rounds=9,
    seconds=2.0,
    table_batch=32,
    table_rows=None,
    table_side=None,
    choices="k=8|16,m=7|23",
    predicted=24,
    largest=1 << 14,
    tests=(
        ("tests/nn/test_fused.py",),
        ("tests/nn/test_prepared.py", "-k", "cuda"),
        ("tests/nn/test_plan.py", "tests/nn/test_networks.py", "-k", "cuda or gpu"),
        ("tests/timing/worker", "tests/timing/test_autotuning.py", "-k", "cuda or gpu"),
    ),
)

TINY = Sizes(
    network="lambda_resnet18:stages=CCCL,k=2,m=3,classes=3@32",
    hybrid="lambda_resnet18:stages=CCLC,k=2,m=3,classes=3@32",
    plain="resnet18:classes=3@32",
    layers=((8, 4),),
    layer_batches=(2,),
    batches=(2,),
    train_batch=2,
    check_batch=2,
    dtypes=("bf16",),
    rounds=2,
    seconds=0.05,
    table_batch=2,
    table_rows=2,
    table_side=32,
    choices="k=2,m=3",
    predicted=2,
    largest=4,
    tests=(("tests/published",),),
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
    parser.add_argument("--device", default="cuda", help="cuda, or cpu for a dry run")
    parser.add_argument("--dry-run", action="store_true", help="tiny sizes: whether everything runs, no figures")
    parser.add_argument("--d-li14", type=Path, metavar="FOLDER", help="a checkout of d-li14/lambda.pytorch")
    parser.add_argument("--leaderj1001", type=Path, metavar="FOLDER", help="a checkout of leaderj1001/LambdaNetworks")
    parser.add_argument("--deadline", type=float, help=argparse.SUPPRESS)  # of the call, for its own processes
    given = parser.parse_args(arguments)
    if not 0 < given.minutes < 1e4:
        parser.error(f"--minutes {given.minutes:g}: expected a number over 0")
    if given.device == "cpu" and not given.dry_run:
        parser.error("--device cpu: expected --dry-run with it; `python -m benchmarks.layers` measures CPUs")
    for name in ("d_li14", "leaderj1001"):
        folder = getattr(given, name)
        if folder is not None and not folder.is_dir():
            parser.error(f"--{name.replace('_', '-')} {folder}: expected a folder")
    return Settings(
        out=given.out,
        device=given.device,
        deadline=given.deadline or time.time() + 60 * given.minutes,
        sizes=TINY if given.dry_run else WHOLE,
        dry=given.dry_run,
        d_li14=given.d_li14,
        leaderj1001=given.leaderj1001,
        arguments=tuple(arguments),
    )
