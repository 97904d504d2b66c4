"""Rows for tests: measurements that nobody made."""

from lambda_arch.arch import parse
from lambda_arch.store import Case, Setup, Status, Store, find_measurements
from lambda_arch.store.machines import keep_machine
from lambda_arch.store.measurements import begin_measurement, finish_measurement
from lambda_arch.store.rounds import keep_round

SETUP = Setup(threads=1)
MACHINE = {"fingerprint": "f", "device_name": "a device", "torch": "2"}


def keep(store, batch=1, samples=(1.0, 2.0), machine="f", status=Status.OK):
    keep_machine(store, {**MACHINE, "fingerprint": machine})
    uid = begin_measurement(store, Case(parse("resnet50@64"), Setup(batch_size=batch, threads=1)), machine, "t", {})
    keep_round(store, uid, 1, samples, {"others": 0.5}, 7)
    finish_measurement(store, uid, status)
    return uid


def has_rounds(path):
    """Return whether a command that measures has kept a round in its store."""
    if not path.exists():
        return False
    with Store(path) as store:
        return any(m.rounds for m in find_measurements(store))
