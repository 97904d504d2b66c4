"""A driver with works that only pretend: ``python -m tests.cluster.driver ADDRESS STORE LOG FIRST NUMBER SECONDS``.

Each work writes a measurement to the store of its node, and to the log when it begins and when it has finished.
"""

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from lambda_arch.arch import parse
from lambda_arch.cluster import carry_out
from lambda_arch.store import Case, Setup, Status, Store
from lambda_arch.store.machines import keep_machine
from lambda_arch.store.measurements import begin_measurement, find_finished, finish_measurement
from lambda_arch.store.rounds import keep_round

MACHINE = {"fingerprint": "f", "device_name": "a device", "torch": "2"}
FULL = "NODE_HAS_A_FULL_DISK"


@dataclass(frozen=True)
class Pretended:
    """A work that takes so many seconds."""

    number: int
    log: str
    seconds: float
    device: str = "cpu"
    threads: int = 1
    undisturbed: bool = False

    @property
    def name(self):
        return f"work {self.number}"

    @property
    def key(self):
        return str(self.number)

    @property
    def case(self):
        return Case(parse("resnet50@64"), Setup(batch_size=self.number + 1, threads=1))

    def fingerprint(self, store):
        return keep_machine(store, MACHINE)

    def find(self, store, fingerprints):
        found = find_finished(store, self.case.key("f"))
        return [found] if found else None

    def say(self, what):
        with Path(self.log).open("a") as file:
            file.write(f"{what} {self.number} {os.environ.get('LAMBDA_ARCH_NODE_FOLDER', '')}\n")

    def run(self, store):
        self.say("begin")
        if os.environ.get(FULL):
            store._connection.execute("PRAGMA max_page_count = 1")
        uid = begin_measurement(store, self.case, "f", f"session {self.number}", {"large": "x" * 100_000})
        time.sleep(self.seconds)
        keep_round(store, uid, 1, [1.0, 2.0], {}, 7)
        finish_measurement(store, uid, Status.OK)
        self.say("end")
        return [uid]

    def related(self, store, uids):
        return list(uids)

    def files(self, store, uids):
        return {}

    def keep(self, files):
        pass


def main(address, path, log, first, number, seconds):
    works = [Pretended(int(first) + i, log, float(seconds)) for i in range(int(number))]
    with Store(path) as store:
        carried = carry_out(works, store, cluster=address, progress=lambda now: print(now, now.note, flush=True))
    if carried.interrupted:
        sys.exit(130)
    carried.check()


if __name__ == "__main__":
    main(*sys.argv[1:])
