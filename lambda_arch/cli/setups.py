"""The part of a command line that says how and where to run, and where to keep what was measured."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lambda_arch.arch import ArchitectureError

if TYPE_CHECKING:
    from lambda_arch.store import Setup, Store
    from lambda_arch.timing import Limits
    from lambda_arch.timing.rounds import Event

Device = Annotated[str, typer.Option("--device", help="cpu, cuda, cuda:1 or mps.", metavar="DEVICE")]
Batches = Annotated[
    str,
    typer.Option("--batch-size", help="Images a step; several by commas; auto: the largest that fits.", metavar="N"),
]
Batch = Annotated[str, typer.Option("--batch-size", help="Images a step.", metavar="N")]
DTypes = Annotated[str, typer.Option("--dtype", help="fp32, tf32, bf16 or fp16; several by commas.", metavar="DTYPE")]
DType = Annotated[str, typer.Option("--dtype", help="fp32, tf32, bf16 or fp16.", metavar="DTYPE")]
Space = Annotated[
    str | None,
    typer.Option("--space", help="More blocks: of any such settings, or none (k=8|16,m=7|23).", metavar="CHOICES"),
]
Cast = Annotated[str, typer.Option("--cast", help="How: autocast, or cast the whole network.", metavar="HOW")]
ChannelsLast = Annotated[bool, typer.Option("--channels-last", help="Memory format: channels last.")]
Mode = Annotated[
    str,
    typer.Option(
        "--mode",
        help="inference, or train: a whole SGD step. [default: inference]",
        metavar="MODE",
        show_default=False,
    ),
]
Compile = Annotated[bool, typer.Option("--compile", help="With torch.compile.")]
CudaGraph = Annotated[bool, typer.Option("--cuda-graph", help="Replay a CUDA graph.")]
Threads = Annotated[
    int, typer.Option("--threads", help="Of the CPU. [default: OMP_NUM_THREADS, or its cores]", show_default=False)
]
Clock = Annotated[
    str, typer.Option("--clock", help="wall, or cpu: processor time, for a busy machine.", metavar="CLOCK")
]
EvaluationName = Annotated[
    str,
    typer.Option(
        "--evaluation",
        help="Of lambda layers: canonical, auto, one by name (matrix/sum), or prepared: all for inference.",
        metavar="NAME",
    ),
]
StorePath = Annotated[
    Path | None,
    typer.Option("--store", help="The store. [default: in your data directory]", metavar="FILE", show_default=False),
]
Fresh = Annotated[bool, typer.Option("--fresh", help="Measure again what is known; keep both.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")]
Seconds = Annotated[float, typer.Option("--seconds", help="Sampling time at most, for each network.", metavar="S")]
Spread = Annotated[
    float, typer.Option("--spread", help="Enough when the IQR is within this fraction of the median.", metavar="F")
]
Hang = Annotated[float, typer.Option("--limit", help="A step or a build that takes longer has hung.", metavar="S")]
MemoryLimit = Annotated[
    float,
    typer.Option(
        "--memory-limit",
        help="GB that a worker may use on a CPU. [default: what is free]",
        metavar="GB",
        show_default=False,
    ),
]


def whole_numbers(text: str, flag: str) -> list[int]:
    """Return the numbers of ``1,32,128``; raises ArchitectureError naming the flag."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() and int(part) for part in parts):
        raise ArchitectureError(f"{flag} {text}: expected whole numbers from 1, such as 1,32,128")
    return list(dict.fromkeys(map(int, parts)))


def words(text: str) -> list[str]:
    """Return the words of a text with commas."""
    return list(dict.fromkeys(part.strip() for part in text.split(",")))


def one_setup(
    device: str,
    batch: str,
    dtype: str,
    cast: str,
    channels_last: bool,
    mode: str,
    threads: int,
    clock: str,
    evaluation: str = "canonical",
) -> "Setup":
    """Return the one setup that the flags say."""
    from lambda_arch.store import Setup

    numbers = whole_numbers(batch, "--batch-size")
    if len(numbers) > 1:
        raise ArchitectureError(f"--batch-size {batch}: expected one batch size here")
    return Setup(
        device=device,
        batch_size=numbers[0],
        dtype=dtype,  # type: ignore[arg-type]  # checked there
        cast=cast,  # type: ignore[arg-type]
        memory_format="channels_last" if channels_last else "contiguous",
        mode=mode,  # type: ignore[arg-type]
        threads=threads,
        clock=clock,  # type: ignore[arg-type]
        evaluation=evaluation,
    )


def limits(seconds: float, spread: float, hang: float, memory: float) -> "Limits":
    """Return the limits that the flags say; raises ArchitectureError for one that is not positive."""
    from lambda_arch.timing import Limits

    for flag, value in (("--seconds", seconds), ("--spread", spread), ("--limit", hang)):
        if not value > 0:
            raise ArchitectureError(f"{flag} {value:g}: expected a number over 0")
    if memory < 0:
        raise ArchitectureError(f"--memory-limit {memory:g}: expected a number of GB over 0")
    turn = min(0.5, seconds / 5)
    return Limits(spread, seconds, turn=turn, warmup=min(10.0, seconds), hang=hang, memory=int(memory * 1e9))


@contextmanager
def interruptible() -> Iterator[list[str]]:
    """Let Ctrl-C and SIGTERM end the block instead of the program; the list then says what did."""
    import signal

    ended: list[str] = []

    def on_term(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, on_term)
    try:
        yield ended
    except KeyboardInterrupt:
        ended.append("interrupted: what was measured is kept, the same command goes on from there")
    finally:
        signal.signal(signal.SIGTERM, before)


def leave_if(ended: Sequence[str]) -> None:
    """Leave with the exit code of an interruption, after saying so, where there was one."""
    if ended:
        typer.echo(f"lambda-arch: {ended[0]}", err=True)
        sys.exit(130)


def watch(events: "Iterator[Event]", jobs: int, seconds: float, what: str, quiet: bool) -> None:
    """Run ``events`` to their end under a bar with the time left: ``jobs`` networks of ``seconds`` each at most."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from lambda_arch.timing.rounds import Finished, Loading, Sampled

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:.0f} %"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(file=sys.stderr), transient=True, disable=quiet) as progress:
        task = progress.add_task(what, total=jobs)
        spent: dict[str, float] = {}
        for event in events:
            name = event.job.architecture
            if isinstance(event, Loading):
                progress.update(task, description=f"{what} {name[:40]}")
            elif isinstance(event, Sampled):
                share = min(event.seconds / seconds, 1.0 - spent.get(name, 0.0))
                spent[name] = spent.get(name, 0.0) + share
                progress.advance(task, share)
            elif isinstance(event, Finished):
                progress.advance(task, 1.0 - spent.pop(name, 0.0))


def open_store(path: Path | None, *, create: bool = True) -> "Store":
    """Open the store of ``--store``, or the user's own."""
    from lambda_arch.store import Store

    return Store(path, create=create)
