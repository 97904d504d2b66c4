"""What a measurement was made on: the device, its driver and libraries, the host. Imports torch."""

import os
import platform
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from lambda_arch.errors import SetupError
from lambda_arch.store.keys import digest
from lambda_arch.timing.readings import nvidia_driver


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


def machine(device: str) -> Machine:
    """Return the machine as seen from ``device``. Raises :class:`SetupError` where that device is not there."""
    import psutil

    from lambda_arch import __version__

    check_present(device)
    kind = device.partition(":")[0]
    cpu = cpu_model()
    name, memory, capability, driver = cpu, psutil.virtual_memory().total, "", ""
    if kind == "cuda":
        properties = torch.cuda.get_device_properties(device)
        name, memory = properties.name, properties.total_memory
        capability, driver = f"{properties.major}.{properties.minor}", nvidia_driver()
    elif kind == "mps":
        name = f"{cpu} GPU"
    cudnn = torch.backends.cudnn.version() if kind == "cuda" else None  # type: ignore[no-untyped-call]
    return Machine(
        kind=kind,
        device_name=name,
        memory=memory,
        capability=capability,
        driver=driver,
        cuda=(torch.version.cuda or "") if kind == "cuda" else "",
        cudnn=str(cudnn or ""),
        torch=torch.__version__,
        package=__version__,
        host_cpu=cpu,
        host_cores=os.cpu_count() or 1,
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
    )


def devices() -> list[str]:
    """Return the names of the devices that are here."""
    found = ["cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))]
    return [*found, "mps"] if torch.backends.mps.is_available() else found


def check_present(device: str) -> None:
    """Raise :class:`SetupError` where ``device`` is not there."""
    here = devices()
    if device not in here:
        raise SetupError(f"device={device}: not here; expected one of {', '.join(here)}")


def cpu_model() -> str:
    """Return the processor's name."""
    path = Path("/proc/cpuinfo")
    if path.exists():  # what py-cpuinfo reads too, in over a second
        for line in path.read_text("utf-8", "replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
        return platform.processor() or platform.machine()
    import cpuinfo

    return str(cpuinfo.get_cpu_info().get("brand_raw") or platform.processor() or platform.machine())
