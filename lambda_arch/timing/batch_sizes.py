"""The largest batch that fits into memory."""

from dataclasses import replace

from lambda_arch.store.case import Case
from lambda_arch.store.connection import Store
from lambda_arch.store.measurements import find_largest_batch_size
from lambda_arch.timing.arguments import location_of
from lambda_arch.timing.limits import Limits
from lambda_arch.timing.protocol.messages import LoadRequest
from lambda_arch.timing.protocol.process import WorkerError, WorkerProcess

MOST = 1 << 16  # images
PRECISION = 16  # the result is exact to one part in so many
WARMUP = 1.0  # seconds


def largest_batch_size(store: Store, case: Case, limits: Limits, fingerprint: str) -> int:
    """Return the largest batch size with which ``case`` fits into memory, from the store or by trying.

    It is doubled until it does not fit, then bisected to one part in 16. It is 0 if not even one image fits, or if the
    network fails otherwise, which a measurement then reports.
    """
    known = find_largest_batch_size(store, case, fingerprint, limits.memory)
    if known:
        return known
    fits, fails, size = 0, MOST + 1, 1
    while fits < MOST and fails - fits > max(1, fits // PRECISION):
        if _fits(case, size, limits):
            fits = size
        else:
            fails = size
        size = min(2 * fits, MOST) if fails > MOST else (fits + fails) // 2
    return fits


def _fits(case: Case, size: int, limits: Limits) -> bool:
    setup = replace(case.setup, batch_size=size)
    location = location_of(case.architecture)
    request = LoadRequest(str(case.architecture), setup, WARMUP, limits.memory, location=location)
    with WorkerProcess(setup.threads) as worker:
        try:
            worker.load(request, limits.timeout)
            worker.sample(limits.round_seconds, limits.timeout)  # because allocators grow for a while
        except WorkerError:
            return False
    return True
