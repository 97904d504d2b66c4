"""The messages of a worker's protocol: requests, and the replies to them. Values only; times are in seconds."""

import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from lambda_arch.arch import extension_modules
from lambda_arch.store.keys import digest
from lambda_arch.store.setup import Setup
from lambda_arch.store.status import Status


@dataclass(frozen=True, slots=True)
class DevicesRequest:
    """Asks which devices are here."""


@dataclass(frozen=True, slots=True)
class MachineRequest:
    """Asks for a description of the machine as seen from ``device``."""

    device: str


@dataclass(frozen=True, slots=True)
class PeaksRequest:
    """Asks to measure the peak rates of ``device``; each size of each operation is given ``seconds``."""

    device: str
    threads: int
    seconds: float


@dataclass(frozen=True, slots=True)
class ExtensionModule:
    """A module that registers families, options or layers, and the folder to find it in."""

    name: str
    folder: str


def registered_extensions() -> tuple[ExtensionModule, ...]:
    """Return what is registered in this process, for a worker to know the same architectures."""
    found = []
    for name in extension_modules():
        file = Path(sys.modules[name].__file__ or "")
        up = name.count(".") + (file.name == "__init__.py")
        found.append(ExtensionModule(name, str(file.resolve().parents[up])))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class LoadRequest:
    """Asks to build the network named ``architecture`` and to warm it up, for ``warmup`` seconds at most.

    ``memory``: bytes that the process may take on a CPU, 0 for what is free. ``by_part``: time every part of the
    network inside the step. ``extensions`` are registered first.
    """

    architecture: str
    setup: Setup
    warmup: float
    memory: int = 0
    by_part: bool = False
    extensions: tuple[ExtensionModule, ...] = field(default_factory=registered_extensions)


@dataclass(frozen=True, slots=True)
class SampleRequest:
    """Asks for samples of the loaded network worth about ``seconds``, one at least."""

    seconds: float


Request = DevicesRequest | MachineRequest | PeaksRequest | LoadRequest | SampleRequest


@dataclass(frozen=True, slots=True)
class DeviceNames:
    """The names of the devices that are here."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Machine:
    """A device and everything around it that a latency may depend on.

    ``memory``: bytes of the device (of the host for a CPU). ``capability``: compute capability, CUDA only. Versions
    are empty where there is no such thing.
    """

    kind: str
    device_name: str
    memory: int
    capability: str
    driver: str
    cuda: str
    cudnn: str
    torch: str
    package: str
    host_cpu: str
    host_cores: int
    system: str
    python: str

    @property
    def fingerprint(self) -> str:
        """A short hash: equal fingerprints were measured under equal conditions, as far as a program can tell."""
        return digest(self.as_dict())

    def as_dict(self) -> dict[str, Any]:
        """Return the fields by name."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Peak:
    """The highest rate that was measured of one kind of work.

    ``kind``: a dtype, whose ``rate`` is the FLOP/s of a matrix product; or ``copy``, in bytes/s read and written.
    ``detail``: the size at which that was.
    """

    kind: str
    rate: float
    detail: str


@dataclass(frozen=True, slots=True)
class Peaks:
    """The peak rates of a device."""

    peaks: tuple[Peak, ...]


@dataclass(frozen=True, slots=True)
class LoadReply:
    """A network that is built and warm. ``warmup``: seconds of every step of the warm-up; ``warm``: whether it settled.

    ``repeat``: steps in a sample. ``base_memory``: peak bytes before the network was built. ``parts``: the paths of the
    parts that are timed, where they are.
    """

    build_seconds: float
    warmup: tuple[float, ...]
    warm: bool
    repeat: int
    base_memory: int
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Conditions:
    """What the machine did during a round; None for what the device does not tell.

    ``others``: the share of all cores that other processes kept busy. ``throttled``: why the GPU lowered its clocks.
    """

    others: float | None = None
    sm_mhz: int | None = None
    memory_mhz: int | None = None
    celsius: int | None = None
    watts: float | None = None
    throttled: tuple[str, ...] | None = None
    joules_per_image: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return what is known, by name."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True, slots=True)
class SampleReply:
    """The samples of a round: ``seconds`` a step; ``parts``: of each step those of every part, where they are timed."""

    seconds: tuple[float, ...]
    parts: tuple[tuple[float, ...], ...]
    conditions: Conditions
    peak_memory: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """The device does not do such a setup."""

    reason: str


@dataclass(frozen=True, slots=True)
class Failure:
    """A request came to nothing: out of memory, or torch raised."""

    status: Status
    reason: str


Reply = DeviceNames | Machine | Peaks | LoadReply | SampleReply | Refusal | Failure
