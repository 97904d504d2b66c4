"""The machine as the store knows it, its peak rates and its clock. Imports torch."""

import subprocess
from typing import Any

from benchmarks.gpu.folder import Folder
from benchmarks.gpu.item import Row
from benchmarks.gpu.settings import Settings
from lambda_arch.nn.evaluation import ceilings
from lambda_arch.store.connection import Store
from lambda_arch.store.machines import keep_machine
from lambda_arch.store.peaks import read_peaks
from lambda_arch.store.setup import default_threads
from lambda_arch.timing.worker.conditions import NvidiaGpu
from lambda_arch.timing.worker.machine import describe_machine


def describe(settings: Settings) -> dict[str, Any]:
    """Return the description of the machine, with its fingerprint, and keep it in the folder's store."""
    found = describe_machine(settings.device)
    known = {**found.as_dict(), "fingerprint": found.fingerprint}
    with Store(Folder(settings.out).store) as store:
        keep_machine(store, known)
    if found.kind == "cuda" and not found.driver:  # without NVIDIA's library
        known = {**known, "driver": ask_nvidia_smi("driver_version")}
    return known


def rates(settings: Settings) -> dict[str, float]:
    """Return the peak rates by kind that the folder's store has for this machine; the cost model uses them too."""
    machine, threads = describe(settings), default_threads()
    with Store(Folder(settings.out).store) as store:
        known = read_peaks(store)
    where = machine["fingerprint"], threads
    found = {kind: rate for (own, kind, count), rate in known.items() if (own, count) == where}
    measured = ceilings.Ceilings.of(found)
    if measured is not None:
        ceilings.remember(machine["device_name"], measured)
    return found


def clock_columns(settings: Settings) -> Row:
    """Return the clock of the multiprocessors now, and why it is throttled, as far as the device says so."""
    if settings.device == "cpu":
        return {}
    now = NvidiaGpu(settings.device).conditions()
    found = {"sm_mhz": now.sm_mhz, "throttled": ", ".join(now.throttled or ())}
    return {name: value for name, value in found.items() if value}


def ask_nvidia_smi(what: str) -> str:
    """Return a property of the first GPU, or an empty text."""
    command = ["nvidia-smi", f"--query-gpu={what}", "--format=csv,noheader,nounits"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout.split("\n")[0]
    except (OSError, subprocess.SubprocessError):
        return ""
