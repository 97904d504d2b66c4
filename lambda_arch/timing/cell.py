"""What is measured: an architecture in a setup. Values, checked when they are made; no torch."""

import hashlib
import json
import os
import re
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from lambda_arch.arch import Architecture
from lambda_arch.arch.evaluation import ORDERS, parse_evaluation
from lambda_arch.errors import SetupError, did_you_mean

DType = Literal["fp32", "tf32", "bf16", "fp16"]
Cast = Literal["autocast", "cast"]
MemoryFormat = Literal["contiguous", "channels_last"]
Mode = Literal["inference", "train"]
Clock = Literal["wall", "cpu"]

CHOICES: dict[str, tuple[str, ...]] = {
    "dtype": ("fp32", "tf32", "bf16", "fp16"),
    "cast": ("autocast", "cast"),
    "memory_format": ("contiguous", "channels_last"),
    "mode": ("inference", "train"),
    "clock": ("wall", "cpu"),
}
"""The words that the settings of a setup take."""

EVALUATIONS = ("canonical", "auto", "prepared")
"""What an evaluation may be besides one by name."""

LATER = {"evaluation": "canonical"}
"""Settings that came after the first stores, and what was measured there."""

BYTES = {"fp32": 4, "tf32": 4, "bf16": 2, "fp16": 2}
"""Bytes of an element in each dtype."""


@dataclass(frozen=True, slots=True)
class Setup:
    """How a network is run.

    ``device``: cpu, cuda:N or mps. ``batch``: images. ``dtype``: fp32, tf32 (CUDA: fp32 with TF32 products), bf16 or
    fp16, by ``cast``: ``autocast``, or the whole network cast. ``mode``: inference (no gradients, running batch-norm
    statistics) or train (forward, backward, an SGD step). ``compile``: torch.compile. ``graph``: a CUDA graph.
    ``threads``: of the CPU, 0 for as many as it has cores. ``clock``: wall, or cpu: the processor time of one thread,
    which is the wall time that an idle machine would take, for machines that are never idle. ``evaluation``: how lambda
    layers compute: canonical, auto (the cost model's choice for the batch), one by name, such as matrix/sum; or
    prepared: a network prepared for inference, with the cost model's choice.

    Raises :class:`SetupError` for what no device does.
    """

    device: str = "cpu"
    batch: int = 1
    dtype: DType = "fp32"
    cast: Cast = "autocast"
    memory_format: MemoryFormat = "contiguous"
    mode: Mode = "inference"
    compile: bool = False
    graph: bool = False
    threads: int = 0
    clock: Clock = "wall"
    evaluation: str = "canonical"

    def __post_init__(self) -> None:
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                value = str(getattr(self, name))
                raise SetupError(f"{name}={value}: expected {' or '.join(choices)}{did_you_mean(value, choices)}")
        object.__setattr__(self, "device", device_name(self.device))
        if self.batch < 1:
            raise SetupError(f"batch={self.batch}: expected a whole number from 1, or auto")
        if self.threads < 0:
            raise SetupError(f"threads={self.threads}: expected a whole number from 1")
        object.__setattr__(self, "threads", self.threads or default_threads())
        if self.dtype in ("fp32", "tf32"):
            object.__setattr__(self, "cast", "autocast")  # nothing to cast: one setup, one value
        if self.dtype == "tf32" and self.kind != "cuda":
            raise SetupError(f"dtype=tf32: {self.device} has no TF32; expected fp32, bf16 or fp16, or --device cuda")
        if self.clock == "cpu" and (self.kind != "cpu" or self.threads != 1):
            raise SetupError("clock=cpu: counts one thread's processor time; expected --device cpu --threads 1")
        if self.graph and self.kind != "cuda":
            raise SetupError(f"cuda-graph: {self.device} has no CUDA graphs; expected --device cuda")
        if self.mode == "train" and self.cast == "cast" and self.dtype == "fp16":
            raise SetupError("mode=train, cast=cast: weights in fp16 do not train; expected cast=autocast, or bf16")
        object.__setattr__(self, "evaluation", _evaluation_name(self.evaluation))
        if self.mode == "train" and self.evaluation == "prepared":
            raise SetupError("mode=train, evaluation=prepared: is for inference alone; expected evaluation=auto")

    @property
    def kind(self) -> str:
        """The kind of device: cpu, cuda or mps."""
        return self.device.partition(":")[0]

    def as_dict(self) -> dict[str, Any]:
        """Return the settings by name."""
        return asdict(self)

    def identity(self) -> dict[str, Any]:
        """Return the settings that tell it apart: a later one is left out where it is what was measured before it."""
        return {name: value for name, value in asdict(self).items() if name not in LATER or value != LATER[name]}

    def __str__(self) -> str:
        """Return the setup in a line: what differs from a plain one, after device, batch, dtype and mode."""
        words = [self.device, f"batch {self.batch}", self.dtype, self.mode]
        words += [self.cast] if self.cast == "cast" else []
        words += ["channels_last"] if self.memory_format == "channels_last" else []
        words += ["compiled"] if self.compile else []
        words += ["CUDA graph"] if self.graph else []
        words += [self.evaluation] if self.evaluation != "canonical" else []
        words += [f"{self.threads} thread{'s' if self.threads > 1 else ''}"] if self.kind == "cpu" else []
        words += ["processor time"] if self.clock == "cpu" else []
        return ", ".join(words)


SETTINGS = tuple(field.name for field in fields(Setup))
"""The names of a setup's settings, in order."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One thing to measure: an architecture (its image size included) in a setup.

    ``auto``: whether the batch was found as the largest that fits.
    """

    architecture: Architecture
    setup: Setup
    auto: bool = False

    def key(self, fingerprint: str) -> str:
        """Return what tells this cell, on the device of ``fingerprint``, from every other."""
        values = [str(self.architecture), *self.setup.identity().values(), fingerprint]
        return digest(values)


def digest(value: object) -> str:
    """Return a short hash of a JSON value, the same for equal values on every machine."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def device_name(text: str) -> str:
    """Return the full name of a device: ``cuda`` is ``cuda:0``. Raises :class:`SetupError` for none that there can be.

    Whether it is there is for the process that runs on it to find out.
    """
    name = text.strip().lower()
    if name == "cuda":
        return "cuda:0"
    if name in ("cpu", "mps") or re.fullmatch(r"cuda:\d+", name):
        return name
    raise SetupError(f"device={text}: expected cpu, cuda, cuda:1 or mps{did_you_mean(name, ('cpu', 'cuda', 'mps'))}")


def _evaluation_name(text: str) -> str:
    """Return the full name of an evaluation: ``matrix`` is ``matrix/accumulate``. Raises :class:`SetupError`."""
    if text in EVALUATIONS:
        return text
    try:
        return str(parse_evaluation(text))
    except ValueError:
        choices = tuple(dict.fromkeys([*EVALUATIONS, *ORDERS]))
        order = text.partition("/")[0]
        hint = "; `show` and `autotune` measure" if text == "measured" else did_you_mean(order.lower(), choices)
        raise SetupError(
            f"evaluation={text}: expected {', '.join(choices)}, or ORDER/APPLY such as matrix/sum{hint}"
        ) from None


def check_parts(setup: Setup, what: str) -> None:
    """Raise :class:`SetupError`, as ``what`` asks for it, where a setup runs other parts than the network has."""
    if setup.compile or setup.graph:
        raise SetupError(f"{what}: expected no --compile and no --cuda-graph, which run the parts as one")
    if setup.evaluation == "prepared":
        raise SetupError(f"{what}: expected --evaluation auto; a prepared network has other parts")


def default_threads() -> int:
    """Return OMP_NUM_THREADS, or the number of cores that this process may use."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isascii() and asked.isdigit() and int(asked) > 0:
        return int(asked)
    import psutil

    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(allowed, psutil.cpu_count(logical=False) or allowed))


def image_macs(architecture: Architecture) -> int:
    """Return the multiply-accumulates of one image's forward pass, in the canonical order of evaluation."""
    from lambda_arch.costs import count

    return count(architecture).macs


def step_flops(architecture: Architecture, setup: Setup) -> int:
    """Return the FLOPs of one step of the whole batch: 2 x MACs, and thrice that for a training step."""
    return 2 * image_macs(architecture) * setup.batch * (3 if setup.mode == "train" else 1)
