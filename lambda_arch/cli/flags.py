"""The flags that say how and where to run, when to stop, and where measurements are kept: one table."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from lambda_arch.cli.parameters import Command, declared, expand
from lambda_arch.errors import SetupError

if TYPE_CHECKING:
    from lambda_arch.store import Setup, Store
    from lambda_arch.timing import Limits

SETUP = ("device", "batch_size", "dtype", "cast", "channels_last", "mode", "threads", "clock", "evaluation")
MEASURING = ("seconds", "timeout", "memory_limit", "fresh", "store", "quiet")


@dataclass(frozen=True)
class Flags:
    """Every flag with its type, default and help; a command takes some of them, the others keep their defaults."""

    device: Annotated[str, Option(help="cpu, cuda, cuda:1 or mps.", metavar="DEVICE")] = "cpu"
    batch_size: Annotated[
        str,
        Option(help="Images per step; `time` takes several, with commas, or auto: the largest that fits.", metavar="N"),
    ] = "1"
    dtype: Annotated[
        str, Option(help="fp32, tf32, bf16 or fp16; `time` takes several, with commas.", metavar="DTYPE")
    ] = "fp32"
    cast: Annotated[str, Option(help="How: autocast, or cast the whole network.", metavar="HOW")] = "autocast"
    channels_last: Annotated[bool, Option("--channels-last", help="Memory format: channels last.")] = False
    mode: Annotated[
        str | None, Option(help="inference, or train: a whole SGD step. [default: inference]", metavar="MODE")
    ] = None
    compile: Annotated[bool, Option("--compile", help="With torch.compile.")] = False
    cuda_graph: Annotated[bool, Option("--cuda-graph", help="Replay a CUDA graph.")] = False
    threads: Annotated[
        int,
        Option(help="Of the CPU. [default: OMP_NUM_THREADS, or its cores]", metavar="N", show_default=False),
    ] = 0
    clock: Annotated[str, Option(help="wall, or cpu: processor time, for a busy machine.", metavar="CLOCK")] = "wall"
    evaluation: Annotated[
        str,
        Option(
            help="Of lambda layers: canonical, auto, one by name (matrix/sum), or prepared: all for inference.",
            metavar="NAME",
        ),
    ] = "canonical"
    seconds: Annotated[float, Option(help="Sampling time at most, for each network.", metavar="S")] = 10.0
    spread: Annotated[float, Option(help="Enough when the IQR is within this fraction of the median.", metavar="F")] = (
        0.05
    )
    timeout: Annotated[float, Option(help="A step or a build that takes longer has hung.", metavar="S")] = 600.0
    memory_limit: Annotated[
        float,
        Option(help="GB that a worker may use on a CPU. [default: what is free]", metavar="GB", show_default=False),
    ] = 0.0
    fresh: Annotated[bool, Option("--fresh", help="Measure again what is known; keep both.")] = False
    store: Annotated[
        Path | None, Option(help="The store. [default: in your data directory]", metavar="FILE", show_default=False)
    ] = None
    quiet: Annotated[bool, Option("--quiet", "-q", help="No progress bar.")] = False

    def setups(self, mode: str = "inference") -> "list[Setup]":
        """Return the setups, one per dtype and batch size; ``mode`` where no flag says it. Raises SetupError."""
        from lambda_arch.store import Setup

        batches = [1] if self.batch_size == "auto" else _whole_numbers(self.batch_size)
        dtypes: list[Any] = list(dict.fromkeys(word.strip() for word in self.dtype.split(",")))
        choices: dict[str, Any] = {"cast": self.cast, "mode": self.mode or mode, "clock": self.clock}
        return [
            Setup(
                device=self.device,
                batch_size=batch,
                dtype=dtype,
                memory_format="channels_last" if self.channels_last else "contiguous",
                compile=self.compile,
                graph=self.cuda_graph,
                threads=self.threads,
                evaluation=self.evaluation,
                **choices,
            )
            for dtype in dtypes
            for batch in batches
        ]

    def setup(self) -> "Setup":
        """Return the one setup that the flags say. Raises SetupError where they say several."""
        setups = self.setups()
        if self.batch_size == "auto" or len({setup.batch_size for setup in setups}) > 1:
            raise SetupError(f"batch_size={self.batch_size}: expected one batch size here")
        if len(setups) > 1:
            raise SetupError(f"dtype={self.dtype}: expected one dtype here")
        return setups[0]

    def limits(self, spread: float | None = None) -> "Limits":
        """Return when measuring one network ends; ``spread`` instead of the flag's. Raises SetupError."""
        from lambda_arch.timing import Limits

        for name in ("seconds", "spread", "timeout"):
            if not getattr(self, name) > 0:
                raise SetupError(f"{name}={getattr(self, name):g}: expected a number over 0")
        if self.memory_limit < 0:
            raise SetupError(f"memory_limit={self.memory_limit:g}: expected a number of GB over 0")
        return Limits(
            self.spread if spread is None else spread,
            self.seconds,
            turn=min(0.5, self.seconds / 5),
            warmup=min(10.0, self.seconds),
            hang=self.timeout,
            memory=int(self.memory_limit * 1e9),
        )

    def open_store(self, *, create: bool = True) -> "Store":
        """Open the store of ``--store``, or the user's own; ``create``: one that was named may be new."""
        from lambda_arch.store import Store

        return Store(self.store, create=create or self.store is None)


def takes_flags(*names: str, **defaults: Any) -> Callable[[Command], Command]:
    """Give ``command(flags, ...)`` the flags of ``names``, some with other ``defaults``."""
    return lambda command: expand(command, "flags", declared(Flags, names, **defaults), Flags)


def _whole_numbers(text: str) -> list[int]:
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() and int(part) for part in parts):
        raise SetupError(f"batch_size={text}: expected whole numbers from 1, such as 1,32,128")
    return list(dict.fromkeys(map(int, parts)))
