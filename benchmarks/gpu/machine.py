"""The machine as the store knows it, and its peak rates. Imports torch."""

import subprocess
from typing import Any

from benchmarks.gpu.folder import Folder
from benchmarks.gpu.settings import Settings
from lambda_arch.store.connection import Store
from lambda_arch.store.machines import keep_machine
from lambda_arch.store.peaks import read_peaks
from lambda_arch.store.setup import default_threads, device_name
from lambda_arch.timing.worker.machine import describe_machine


def describe(settings: Settings) -> dict[str, Any]:
    """Return the description of the machine, with its fingerprint, and keep it in the folder's store."""
    found = describe_machine(device_name(settings.device))
    with Store(Folder(settings.out).store) as store:
        keep_machine(store, {**found.as_dict(), "fingerprint": found.fingerprint})
    known = {**found.as_dict(), "fingerprint": found.fingerprint}
    if found.kind == "cuda" and not found.driver:  # without NVIDIA's library
        known["driver"] = _ask_nvidia_smi("driver_version")
    return known


def rates(settings: Settings) -> dict[str, float]:
    """Return the peak rates by kind that the folder's store has for this machine."""
    fingerprint, threads = describe(settings)["fingerprint"], default_threads()
    with Store(Folder(settings.out).store) as store:
        known = read_peaks(store)
    return {kind: rate for (where, kind, count), rate in known.items() if (where, count) == (fingerprint, threads)}


def _ask_nvidia_smi(what: str) -> str:
    command = ["nvidia-smi", f"--query-gpu={what}", "--format=csv,noheader"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout.split("\n")[0]
    except (OSError, subprocess.SubprocessError):
        return ""
