"""The messages of the worker protocol: requests and their replies, as plain values. Times are in seconds."""

import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from lambda_arch.arch import extension_modules
from lambda_arch.interop.locating import Location
from lambda_arch.store.keys import digest
from lambda_arch.store.setup import Setup
from lambda_arch.store.status import Status
from lambda_arch.timing.protocol.known_rates import KnownRate, known_rates


@dataclass(frozen=True, slots=True)
class DevicesRequest:
    """Asks for the names of the devices."""


@dataclass(frozen=True, slots=True)
class MachineRequest:
    """Asks for a description of the machine as seen from ``device``."""

    device: str


@dataclass(frozen=True, slots=True)
class PeaksRequest:
    """Asks to measure the peak rates of ``device``, for ``seconds`` per size of each operation."""

    device: str
    threads: int
    seconds: float


@dataclass(frozen=True, slots=True)
class ExtensionModule:
    """A module that registers families, options or layers, and the folder to find it in."""

    name: str
    folder: str


def registered_extensions() -> tuple[ExtensionModule, ...]:
    """Return the extensions registered in this process, so that a worker knows the same architectures."""
    found = []
    for name in extension_modules():
        file = Path(sys.modules[name].__file__ or "")
        up = name.count(".") + (file.name == "__init__.py")
        found.append(ExtensionModule(name, str(file.resolve().parents[up])))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class LoadRequest:
    """Asks to build the network named ``architecture`` and to warm it up for at most ``warmup`` seconds.

    ``memory``: bytes that the process may use on a CPU, 0 for what is free. ``by_part``: time every part of the network
    inside the step. ``rates``: what the cost model may use of GPUs. ``extensions`` are registered first. ``location``:
    where the source of a module that is not ours is; ``architecture`` is then the reference to it.
    """

    architecture: str
    setup: Setup
    warmup: float
    memory: int = 0
    by_part: bool = False
    location: Location | None = None
    rates: tuple[KnownRate, ...] = field(default_factory=known_rates)
    extensions: tuple[ExtensionModule, ...] = field(default_factory=registered_extensions)


@dataclass(frozen=True, slots=True)
class SampleRequest:
    """Asks for about ``seconds`` of samples of the loaded network, at least one sample."""

    seconds: float


Request = DevicesRequest | MachineRequest | PeaksRequest | LoadRequest | SampleRequest


@dataclass(frozen=True, slots=True)
class DeviceNames:
    """The names of the devices of this machine."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Machine:
    """A device and all else that a latency may depend on.

    ``memory``: bytes of the device (of the host for a CPU). ``capability``: compute capability, CUDA only. Versions
    that do not apply are empty.
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
        """A short hash, equal for machines that are equal as far as a program can tell."""
        return digest(self.as_dict())

    def as_dict(self) -> dict[str, Any]:
        """Return the fields by name."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Peak:
    """The highest measured rate of one kind of work.

    ``kind``: a dtype, whose ``rate`` is the FLOP/s of a matrix product; or ``copy``, in bytes/s read and written.
    ``detail``: the size at which it was reached.
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
    """A network is built and warm. ``warmup``: seconds of every warm-up step; ``warm``: whether they became steady.

    ``repeat``: steps per sample. ``base_memory``: peak bytes before the network was built. ``parts``: the paths of the
    parts, if they are timed. ``precision``: in which the network computes, as its runtime calls it. ``flops``: of a
    step of a module that is not ours, by torch's counter; 0 if it cannot say.
    """

    build_seconds: float
    warmup: tuple[float, ...]
    warm: bool
    repeat: int
    base_memory: int
    parts: tuple[str, ...]
    precision: str
    flops: int = 0


@dataclass(frozen=True, slots=True)
class Conditions:
    """The state of the machine during a round; None for what the device does not report.

    ``others``: the share of all cores used by other processes. ``throttled``: why the GPU lowered its clocks.
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
    """The samples of a round: ``seconds`` per step, and for each step those of every part, if ``parts`` are timed."""

    seconds: tuple[float, ...]
    parts: tuple[tuple[float, ...], ...]
    conditions: Conditions
    peak_memory: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """The device does not support the setup."""

    reason: str


@dataclass(frozen=True, slots=True)
class Failure:
    """A request failed: out of memory, or torch raised an error."""

    status: Status
    reason: str


Reply = DeviceNames | Machine | Peaks | LoadReply | SampleReply | Refusal | Failure
