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
from tests.waiting import wait_until

MACHINE = {"fingerprint": "f", "device_name": "a device", "torch": "2"}
NODE = "NAME_OF_A_NODE"
FULL = "full"
"""The name of a node whose disk is full."""


@dataclass(frozen=True)
class Pretended:
    """A work that takes so many seconds, and waits until there is a file of its node's name in ``gates``, if given."""

    number: int
    log: str
    seconds: float
    gates: str = ""
    device: str = "cpu"
    threads: int = 1
    undisturbed: bool = True

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
            file.write(f"{what} {self.number} {os.environ[NODE]}\n")

    def has_begun(self):
        return False

    def run(self, store):
        self.say("begin")
        if os.environ[NODE] == FULL:
            store._connection.execute("PRAGMA max_page_count = 1")
        uid = begin_measurement(
            store, self.case, self.fingerprint(store), f"session {self.number}", {"large": "x" * 100_000}
        )
        time.sleep(self.seconds)
        if self.gates:
            wait_until((Path(self.gates) / os.environ[NODE]).exists)
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


def drive(address, path, log, numbers, seconds=0.0, *, gates="", undisturbed=True, progress=None):
    """Carry works out, and return what came of them."""
    works = [Pretended(number, str(log), float(seconds), str(gates), undisturbed=undisturbed) for number in numbers]
    with Store(path) as store:
        return carry_out(works, store, cluster=address, progress=progress)


def main(address, path, log, first, number, seconds):
    drive(address, path, log, range(int(first), int(first) + int(number)), seconds).check()


if __name__ == "__main__":
    main(*sys.argv[1:])
