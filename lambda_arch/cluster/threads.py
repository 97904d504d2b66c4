"""How many CPU threads a work on a cluster has."""

import os
from contextlib import suppress
from typing import Any

from lambda_arch.errors import SetupError
from lambda_arch.store.setup import default_threads, device_name


def kind_of(device: str) -> str:
    """Return cpu or cuda. Raises :class:`SetupError` for one of several GPUs by number, and for others."""
    name = device_name(device)
    if name not in ("cpu", "cuda:0") or device.strip().lower() == "cuda:0":
        raise SetupError(f"device={device}: expected cpu or cuda; the cluster chooses which of its GPUs")
    return name.partition(":")[0]


def latency_threads(ray: Any, cluster: str, asked: int) -> int:
    """Return the threads of a latency on a CPU: ``asked``, or all cores; on several nodes those of the smallest."""
    if asked or cluster == "local":
        return asked or default_threads()
    return _smallest(ray)


def training_threads(ray: Any, works: int) -> int:
    """Return the threads of each of ``works`` trainings on CPUs: as many as keep all cores busy, on one node each."""
    with suppress(KeyError, ValueError):
        if (asked := int(os.environ["OMP_NUM_THREADS"])) > 0:
            return min(asked, _smallest(ray))
    cores = sum(_cpus(ray))
    return max(1, min(cores // max(1, works), _smallest(ray)))


def _smallest(ray: Any) -> int:
    return max(1, min(_cpus(ray), default=1))


def _cpus(ray: Any) -> list[int]:
    """Return the cores of every node that has any."""
    found = [int(node["Resources"].get("CPU", 0)) for node in ray.nodes() if node["Alive"]]
    return [cores for cores in found if cores]
