"""A description of the machine: the device, its driver and libraries, the host. Imports torch."""

import os
import platform
from pathlib import Path

import psutil
import torch

from lambda_arch import __version__
from lambda_arch.timing.protocol.messages import Machine
from lambda_arch.timing.worker.conditions import nvidia_driver
from lambda_arch.timing.worker.devices import check_present


def describe_machine(device: str) -> Machine:
    """Return the machine as seen from ``device``. Raises :class:`SetupError` if it does not have that device."""
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
        torch=str(torch.__version__),
        package=__version__,
        host_cpu=cpu,
        host_cores=os.cpu_count() or 1,
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
    )


def cpu_model() -> str:
    """Return the processor's name."""
    path = Path("/proc/cpuinfo")
    if path.exists():  # py-cpuinfo reads it too, but takes over a second
        for line in path.read_text("utf-8", "replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
        return platform.processor() or platform.machine()
    import cpuinfo

    return str(cpuinfo.get_cpu_info().get("brand_raw") or platform.processor() or platform.machine())
