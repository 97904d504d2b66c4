"""The ceilings of a GPU for choices in this process: from the store, or measured once and kept there. Imports torch."""

import warnings

import torch

from lambda_arch.nn.evaluation import ceilings
from lambda_arch.store.connection import Store
from lambda_arch.store.machines import keep_machine
from lambda_arch.store.peaks import keep_peaks, read_peaks
from lambda_arch.store.setup import default_threads, device_name
from lambda_arch.timing.protocol.messages import Machine
from lambda_arch.timing.worker.machine import describe_machine


def use_ceilings(store: Store, device: torch.device, machine: Machine | None = None) -> None:
    """Let the cost model use the ceilings of ``device``; on a GPU that the store does not know they are measured.

    That takes a few seconds, and a warning says so. They are kept where the store can be written to. Other kinds of
    devices need none. ``machine``: its description, if it is known.
    """
    if device.type != "cuda":
        return
    here = machine or describe_machine(device_name(str(device)))
    known = {kind: rate for (where, kind, _), rate in read_peaks(store).items() if where == here.fingerprint}
    found = ceilings.Ceilings.of(known)
    if found is None:
        warnings.warn(f"{here.device_name}: measuring its rates once, for a few seconds", stacklevel=2)
        rates = ceilings.measure_rates(str(device), ceilings.QUICK)
        found = ceilings.Ceilings.of({kind: rate for kind, rate, _ in rates}) or ceilings.DATA_SHEET
        if not store.read_only:
            keep_machine(store, {**here.as_dict(), "fingerprint": here.fingerprint})
            rows = [{"kind": kind, "rate": rate, "detail": detail} for kind, rate, detail in rates]
            keep_peaks(store, here.fingerprint, default_threads(), rows)
    ceilings.remember(here.device_name, found)
