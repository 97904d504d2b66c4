"""The setup in which a network runs, an immutable value. No torch."""

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from lambda_arch.arch.evaluation import ORDERS, parse_evaluation
from lambda_arch.errors import SetupError, did_you_mean

DType = Literal["fp32", "tf32", "bf16", "fp16"]
Cast = Literal["autocast", "cast"]
MemoryFormat = Literal["contiguous", "channels_last"]
Mode = Literal["inference", "train"]
Clock = Literal["wall", "cpu"]
Runtime = Literal["torch", "onnxruntime", "openvino", "aotinductor", "tensorrt"]

CHOICES: dict[str, tuple[str, ...]] = {
    "dtype": ("fp32", "tf32", "bf16", "fp16"),
    "cast": ("autocast", "cast"),
    "memory_format": ("contiguous", "channels_last"),
    "mode": ("inference", "train"),
    "clock": ("wall", "cpu"),
    "runtime": ("torch", "onnxruntime", "openvino", "aotinductor", "tensorrt"),
}
"""The values of the settings that are words."""

EVALUATIONS = ("canonical", "auto", "prepared")
"""Values of ``evaluation`` besides the names of evaluations."""

COLUMNS = {"batch_size": "batch", "cuda_graph": "graph"}
"""Settings whose column, in the store and in CSV, has another name."""

LATER = {"evaluation": "canonical", "runtime": "torch", "runtime_version": ""}
"""Settings added after the first stores, with the value that those measured; keys leave them out at that value."""

PACKAGES = {
    "onnxruntime": (("onnxruntime", "onnxruntime-gpu"), "'lambda-arch[onnx]'"),
    "openvino": (("openvino",), "'lambda-arch[openvino]'"),
    "aotinductor": (("torch",), "torch"),
    "tensorrt": (("onnxruntime-gpu",), "onnxruntime-gpu"),  # which runs it
}
"""The packages that have each runtime, any of them, and what to install."""

BYTES = {"fp32": 4, "tf32": 4, "bf16": 2, "fp16": 2}
"""Bytes of an element in each dtype."""


@dataclass(frozen=True, slots=True)
class Setup:
    """How a network is run.

    - ``device``: cpu, cuda:N or mps; ``batch_size``: images
    - ``dtype``: fp32, tf32 (on CUDA: fp32 with TF32 products), bf16 or fp16
    - ``cast``: how it gets to bf16 or fp16: by autocast, or with the whole network cast
    - ``memory_format``: of images and weights: contiguous, or channels_last
    - ``mode``: inference (no gradients, running batch-norm statistics) or train (forward, backward, an SGD step)
    - ``compile``: by torch.compile; ``cuda_graph``: as a captured CUDA graph
    - ``threads``: of the CPU, 0 for one per core
    - ``clock``: wall; or cpu, the processor time of one thread, for machines that are never idle
    - ``evaluation``: how lambda layers are computed: canonical, auto (the cost model's choice for the batch), one by
      name such as matrix/sum, or prepared (a network prepared for inference, with the cost model's choice)
    - ``runtime``: torch; or onnxruntime, openvino, aotinductor or tensorrt, for inference alone, with static shapes
    - ``runtime_version``: its version, empty for torch (which the machine has); by default the installed one

    Raises :class:`SetupError` for settings that do not exist or do not go together.
    """

    device: str = "cpu"
    batch_size: int = 1
    dtype: DType = "fp32"
    cast: Cast = "autocast"
    memory_format: MemoryFormat = "contiguous"
    mode: Mode = "inference"
    compile: bool = False
    cuda_graph: bool = False
    threads: int = 0
    clock: Clock = "wall"
    evaluation: str = "canonical"
    runtime: Runtime = "torch"
    runtime_version: str = ""

    def __post_init__(self) -> None:
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                value = str(getattr(self, name))
                expected = f"{', '.join(choices[:-1])} or {choices[-1]}"
                raise SetupError(f"{name}={value}: expected {expected}{did_you_mean(value, choices)}")
        object.__setattr__(self, "device", device_name(self.device))
        if self.batch_size < 1:
            raise SetupError(f"batch_size={self.batch_size}: expected a whole number from 1")
        if self.threads < 0:
            raise SetupError(f"threads={self.threads}: expected a whole number from 1")
        object.__setattr__(self, "threads", self.threads or default_threads())
        if self.dtype in ("fp32", "tf32"):
            object.__setattr__(self, "cast", "autocast")  # nothing to cast, so these setups are equal
        if self.dtype == "tf32" and self.kind != "cuda":
            raise SetupError(f"dtype=tf32: {self.device} has no TF32; expected fp32, bf16 or fp16, or device=cuda")
        if self.clock == "cpu" and (self.kind != "cpu" or self.threads != 1):
            raise SetupError("clock=cpu: counts one thread's processor time; expected device=cpu and threads=1")
        if self.cuda_graph and self.kind != "cuda":
            raise SetupError(f"cuda_graph=True: {self.device} has no CUDA graphs; expected device=cuda")
        if self.mode == "train" and self.cast == "cast" and self.dtype == "fp16":
            raise SetupError("mode=train, cast=cast: weights in fp16 do not train; expected cast=autocast, or bf16")
        object.__setattr__(self, "evaluation", _evaluation_name(self.evaluation))
        if self.mode == "train" and self.evaluation == "prepared":
            raise SetupError("mode=train, evaluation=prepared: is for inference alone; expected evaluation=auto")
        if self.runtime != "torch":
            self._check_runtime()

    def _check_runtime(self) -> None:
        """Raise :class:`SetupError` for settings that only torch has; fill in the version."""
        name = self.runtime
        if self.mode == "train":
            raise SetupError(f"mode=train, runtime={name}: is for inference alone; expected runtime=torch")
        for setting, value in {"compile": False, "cuda_graph": False, "memory_format": "contiguous"}.items():
            if getattr(self, setting) != value:
                raise SetupError(f"{setting}={getattr(self, setting)}, runtime={name}: expected runtime=torch with it")
        if self.dtype == "tf32" or (self.dtype != "fp32" and self.cast == "autocast" and name != "openvino"):
            raise SetupError(f"dtype={self.dtype}, runtime={name}: expected fp32, or cast=cast with bf16 or fp16")
        kinds = {"openvino": ("cpu",), "tensorrt": ("cuda",)}.get(name, ("cpu", "cuda"))
        if self.kind not in kinds:
            raise SetupError(f"device={self.device}, runtime={name}: expected device={' or '.join(kinds)}")
        if not self.runtime_version:
            object.__setattr__(self, "runtime_version", installed_version(name))

    @property
    def kind(self) -> str:
        """The kind of device: cpu, cuda or mps."""
        return self.device.partition(":")[0]

    @property
    def arguments(self) -> dict[str, Any]:
        """The settings as arguments of :func:`lambda_arch.measure`."""
        return {name: value for name, value in asdict(self).items() if name != "runtime_version"}

    @property
    def columns(self) -> dict[str, Any]:
        """The settings by the names of their columns, in the store and in CSV."""
        return {COLUMNS.get(name, name): value for name, value in asdict(self).items()}

    @classmethod
    def from_columns(cls, row: Mapping[str, Any]) -> "Setup":
        """Return the setup of a row; other columns are ignored."""
        values = {each.name: row[COLUMNS.get(each.name, each.name)] for each in fields(cls)}
        return cls(**{**values, "compile": bool(values["compile"]), "cuda_graph": bool(values["cuda_graph"])})

    @property
    def identity(self) -> dict[str, Any]:
        """The settings that a key is made of, by column."""
        return {name: value for name, value in self.columns.items() if name not in LATER or value != LATER[name]}

    def __str__(self) -> str:
        """Return one line: device, batch, dtype and mode, then settings that are not defaults."""
        words = [self.device, f"batch {self.batch_size}", self.dtype, self.mode]
        words += [self.cast] if self.cast == "cast" else []
        words += ["channels_last"] if self.memory_format == "channels_last" else []
        words += ["compiled"] if self.compile else []
        words += ["CUDA graph"] if self.cuda_graph else []
        words += [f"{self.runtime} {self.runtime_version}"] if self.runtime != "torch" else []
        words += [self.evaluation] if self.evaluation != "canonical" else []
        words += [f"{self.threads} thread{'s' if self.threads > 1 else ''}"] if self.kind == "cpu" else []
        words += ["processor time"] if self.clock == "cpu" else []
        return ", ".join(words)


def installed_version(runtime: str) -> str:
    """Return the version of a runtime. Raises :class:`SetupError`, which names its extra, if it is not installed."""
    from importlib.metadata import PackageNotFoundError, version

    packages, wanted = PACKAGES[runtime]
    for package in packages:
        with suppress(PackageNotFoundError):
            return version(package)
    raise SetupError(f"runtime={runtime}: is not installed; expected `pip install {wanted}`")


def device_name(text: str) -> str:
    """Return the full name of a device: ``cuda`` is ``cuda:0``. Raises :class:`SetupError` for an invalid name.

    Whether the device exists is checked by the process that runs on it.
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


def default_threads() -> int:
    """Return OMP_NUM_THREADS, or the number of cores that this process may use."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isascii() and asked.isdigit() and int(asked) > 0:
        return int(asked)
    import psutil

    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(allowed, psutil.cpu_count(logical=False) or allowed))
