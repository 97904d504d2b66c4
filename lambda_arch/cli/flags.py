"""The flags of setups and measurements, in one table: how to run, when to stop, where the store is."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from lambda_arch.cli.parameters import Command, declared, expand
from lambda_arch.errors import SetupError

if TYPE_CHECKING:
    from lambda_arch.store import Setup, Store

SETUP = ("device", "batch_size", "dtype", "cast", "channels_last", "mode", "threads", "clock", "evaluation")
PREPARED = {
    "evaluation": Annotated[
        str,
        Option(
            help="Of lambda layers: canonical, auto, one by name (matrix/sum), or prepared (for inference).",
            metavar="NAME",
        ),
    ]
}
"""The flag of evaluations where networks may be prepared for inference."""
SEVERAL = {
    "batch_size": Annotated[
        str, Option(help="Images per step: one number, several (1,32), or auto, the largest that fits.", metavar="N")
    ],
    "dtype": Annotated[str, Option(help="fp32, tf32, bf16 or fp16; or several (fp32,bf16).", metavar="DTYPE")],
}
"""The flags of which one command takes several values."""
MEASURING = ("seconds", "timeout", "memory_limit", "fresh", "store", "quiet")


@dataclass(frozen=True)
class Flags:
    """Every flag with its type, default and help. A command takes some of them; the others keep their defaults."""

    device: Annotated[str, Option(help="cpu, cuda, cuda:1 or mps.", metavar="DEVICE")] = "cpu"
    batch_size: Annotated[str, Option(help="Images per step.", metavar="N")] = "1"
    dtype: Annotated[str, Option(help="fp32, tf32, bf16 or fp16.", metavar="DTYPE")] = "fp32"
    cast: Annotated[str, Option(help="For bf16 and fp16: autocast, or cast (the whole network).", metavar="HOW")] = (
        "autocast"
    )
    channels_last: Annotated[bool, Option("--channels-last", help="Use the channels-last memory format.")] = False
    mode: Annotated[
        str | None, Option(help="inference, or train (a whole SGD step). [default: inference]", metavar="MODE")
    ] = None
    compile: Annotated[bool, Option("--compile", help="Compile with torch.compile.")] = False
    cuda_graph: Annotated[bool, Option("--cuda-graph", help="Capture and replay a CUDA graph.")] = False
    threads: Annotated[
        int | None,
        Option(help="CPU threads. [default: OMP_NUM_THREADS, or one per core]", metavar="N", show_default=False),
    ] = None
    clock: Annotated[str, Option(help="wall, or cpu (processor time, for a busy machine).", metavar="CLOCK")] = "wall"
    evaluation: Annotated[
        str,
        Option(
            help="Of lambda layers: canonical, auto, or one by name (matrix/sum).",
            metavar="NAME",
        ),
    ] = "canonical"
    runtime: Annotated[
        str,
        Option(
            help="torch, onnxruntime, openvino, aotinductor or tensorrt; several (torch,openvino) are compared.",
            metavar="NAME",
        ),
    ] = "torch"
    seconds: Annotated[float, Option(help="Maximum sampling time per network.", metavar="S")] = 10.0
    spread: Annotated[float, Option(help="Stop when the IQR is within this fraction of the median.", metavar="F")] = (
        0.05
    )
    timeout: Annotated[float, Option(help="Time limit for each step and for building a network.", metavar="S")] = 600.0
    memory_limit: Annotated[
        float | None,
        Option(help="Memory limit of a worker on a CPU. [default: what is free]", metavar="GB", show_default=False),
    ] = None
    fresh: Annotated[bool, Option("--fresh", help="Measure again, and keep earlier measurements.")] = False
    store: Annotated[
        Path | None, Option(help="Results store. [default: in your data directory]", metavar="FILE", show_default=False)
    ] = None
    cluster: Annotated[
        str | None,
        Option(
            help="Use the machines of a Ray cluster: local (this one), auto, HOST:PORT or ray://HOST:PORT.",
            metavar="WHERE",
        ),
    ] = None
    resource: Annotated[
        str | None,
        Option(
            help="With --cluster: nodes with this device or resource of Ray, such as accelerator_type:H100.",
            metavar="NAME",
        ),
    ] = None
    quiet: Annotated[bool, Option("--quiet", "-q", help="No progress bar.")] = False

    def __post_init__(self) -> None:
        cores = os.cpu_count() or 1
        if self.threads is not None and not 1 <= self.threads <= cores:
            raise SetupError(f"threads={self.threads}: expected a whole number from 1 to {cores}, the cores here")
        if self.memory_limit is not None and not self.memory_limit > 0:
            raise SetupError(f"memory_limit={self.memory_limit:g}: expected a number of GB over 0")
        if self.resource is not None and self.cluster is None:
            raise SetupError(f"resource={self.resource}: expected it with cluster=auto, or another cluster")

    def arguments(self, *, one: bool = False) -> dict[str, Any]:
        """Return the flags as arguments of the root verbs. ``one``: raises SetupError for several setups."""
        expected = "a whole number from 1, such as 10" if one else "whole numbers from 1, such as 1,32,128"
        sizes: Any = self.batch_size if self.batch_size == "auto" else _whole_numbers(self.batch_size, expected)
        dtypes: Any = list(dict.fromkeys(word.strip() for word in self.dtype.split(",")))
        for name, values in {"batch_size": sizes, "dtype": dtypes}.items():
            if one and len(values) != 1:
                raise SetupError(f"{name}={getattr(self, name)}: expected one {name.replace('_', ' ')} here")
        return {
            "device": self.device,
            "batch_size": sizes[0] if len(sizes) == 1 else sizes,
            "dtype": dtypes[0] if len(dtypes) == 1 else dtypes,
            "cast": self.cast,
            "memory_format": "channels_last" if self.channels_last else "contiguous",
            **({"mode": self.mode} if self.mode else {}),
            "threads": self.threads or 0,
            "memory_limit": self.memory_limit or 0.0,
            "clock": self.clock,
            "evaluation": self.evaluation,
            **{name: getattr(self, name) for name in ("seconds", "timeout", "store")},
        }

    def check_here(self, what: str) -> None:
        """Raise SetupError if a cluster is to do ``what`` only this machine does."""
        if self.cluster is not None:
            raise SetupError(f"cluster={self.cluster}: expected it without {what}, which runs on this machine alone")

    def on_cluster(self) -> dict[str, Any]:
        """Return the cluster's flags as arguments of the verbs of :mod:`lambda_arch.cluster`; none without one."""
        return {"cluster": self.cluster, "resource": self.resource or ""} if self.cluster else {}

    def setup(self) -> "Setup":
        """Return the setup of the flags. Raises SetupError if they describe several."""
        from lambda_arch.store import Setup

        arguments = self.arguments(one=True)
        return Setup(**{each.name: arguments[each.name] for each in fields(Setup) if each.name in arguments})

    def open_store(self, *, read_only: bool = False) -> "Store":
        """Open the store of ``--store``, or the user's own; unless ``read_only``, it is created if missing."""
        from lambda_arch.store import Store

        return Store(self.store, create=not read_only, read_only=read_only)


def takes_flags(
    *names: str, annotations: Mapping[str, Any] = MappingProxyType({}), **defaults: Any
) -> Callable[[Command], Command]:
    """Give ``command(flags, ...)`` the flags in ``names``, some with other ``annotations`` or ``defaults``."""
    parameters = declared(Flags, names, **defaults)
    parameters = [each.replace(annotation=annotations.get(each.name, each.annotation)) for each in parameters]
    return lambda command: expand(command, "flags", parameters, Flags)


def _whole_numbers(text: str, expected: str) -> list[int]:
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() and int(part) for part in parts):
        raise SetupError(f"batch_size={text}: expected {expected}")
    return list(dict.fromkeys(map(int, parts)))
