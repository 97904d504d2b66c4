"""What one driver of a cluster carries: tasks a second, rows a second of merging; two workers on one machine.

python -m benchmarks.cluster tasks      empty tasks, by Ray and by our scheduler, on this machine
python -m benchmarks.cluster merging    measurements a second that are merged into stores of several sizes
python -m benchmarks.cluster trainings  16 short trainings by one worker and by two
python -m benchmarks.cluster latencies  16 short latencies by one process and by two that share the cores
"""

import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from lambda_arch.arch import parse
from lambda_arch.cluster import carry_out, connected, train
from lambda_arch.store import Case, Setup, Status, Store, find_measurements, merge
from lambda_arch.store.machines import keep_machine
from lambda_arch.store.measurements import begin_measurement, finish_measurement
from lambda_arch.store.rounds import keep_round

SAMPLES, ROUNDS = 200, 20  # of a network of 50 ms in 10 s
EMPTY = 40
SIZES = (0, 1_000, 10_000)
MERGED = 20


@dataclass(frozen=True)
class Empty:
    """A work that does nothing, and whose results nobody keeps."""

    number: int
    device: str = "cpu"
    threads: int = 1
    undisturbed: bool = False

    @property
    def name(self) -> str:
        return f"empty {self.number}"

    @property
    def key(self) -> str:
        return self.name

    def fingerprint(self, store: Store) -> str:
        return keep_machine(store, {"fingerprint": "f", "device_name": "none"})

    def find(self, store, fingerprints):
        return None

    def has_begun(self):
        return False

    def run(self, store):
        return []

    def related(self, store, uids):
        return []

    def files(self, store, uids):
        return {}

    def keep(self, files):
        pass


def nothing() -> None:
    pass


def tasks() -> None:
    with tempfile.TemporaryDirectory() as folder, connected("local") as ray:
        for name, options in (("process kept", {}), ("fresh process", {"max_calls": 1})):
            empty = ray.remote(**options)(nothing) if options else ray.remote(nothing)
            ray.get(empty.remote())
            count = EMPTY if options else 2000
            start = time.perf_counter()
            ray.get([empty.remote() for _ in range(count)])
            print(f"Ray, {name}: {count / (time.perf_counter() - start):.1f} empty tasks/s")
        start = time.perf_counter()
        done: list[float] = []
        with Store(Path(folder) / "s.db") as store:
            carry_out([Empty(i) for i in range(EMPTY)], store, cluster="local",
                      progress=lambda now: done.append(time.perf_counter()) if now.done else None)  # fmt: skip
        print(f"our scheduler, fresh process: {EMPTY / (time.perf_counter() - done[0]):.1f} empty works/s")


def add(store: Store, count: int, first: int = 0) -> None:
    keep_machine(store, {"fingerprint": "f", "device_name": "none"})
    case = Case(parse("resnet50@64"), Setup(threads=1))
    with store.transaction():
        store.transaction = nullcontext  # type: ignore[method-assign]  # one for all
        for i in range(first, first + count):
            uid = begin_measurement(store, case, "f", str(i), {})
            for number in range(ROUNDS):
                keep_round(store, uid, number, [0.05123456] * (SAMPLES // ROUNDS), {"others": 0.1}, 1)
            finish_measurement(store, uid, Status.OK)
    del store.transaction


def merging() -> None:
    with tempfile.TemporaryDirectory() as folder:
        parts = [Path(folder) / f"{i}.db" for i in range(MERGED)]
        for i, path in enumerate(parts):
            with Store(path) as one:
                add(one, 1, i)
        for size in SIZES:
            with Store(Path(folder) / f"main{size}.db") as store:
                add(store, size)
                start = time.perf_counter()
                for path in parts:
                    merge(store, path)
                seconds = (time.perf_counter() - start) / MERGED
            print(f"into {size:6} measurements: {1 / seconds:6.1f} merges/s, {(ROUNDS + 1) / seconds:8.0f} rows/s")


NAMES = [f"lambda_mobilenet:classes=10@{16 + i}" for i in range(16)]


def trainings() -> None:
    import os

    os.environ["OMP_NUM_THREADS"] = "1"
    for workers in (1, 2):
        with tempfile.TemporaryDirectory() as folder:
            import ray

            ray.init(
                address="local", num_cpus=workers, include_dashboard=False, log_to_driver=False, logging_level="ERROR"
            )
            start = time.perf_counter()
            train(NAMES, "digits", "digits", epochs=1, batch_size=50, limit_images=100,
                  output=Path(folder) / "runs", store=Path(folder) / "s.db")  # fmt: skip
            print(f"{len(NAMES)} trainings, {workers} worker(s): {time.perf_counter() - start:.0f} s")
            ray.shutdown()


def measure_some(store: str, first: str, step: str) -> None:
    """Measure every so many of the networks."""
    from lambda_arch import measure

    measure(NAMES[int(first) :: int(step)], batch_size=8, threads=1, seconds=1.0, spread=0.01, store=store)


def latencies() -> None:
    """Measure by one process, by two at once without the lock of the cluster's nodes, and by one again."""
    with tempfile.TemporaryDirectory() as folder:
        found, marked = [], []
        for turn, workers in enumerate((1, 2, 1)):
            stores = [Path(folder) / f"{turn}-{i}.db" for i in range(workers)]
            command = [sys.executable, "-m", "benchmarks.cluster", "measure_some"]
            start = time.perf_counter()
            processes = [subprocess.Popen([*command, store, str(i), str(workers)]) for i, store in enumerate(stores)]
            assert [process.wait() for process in processes] == [0] * workers
            seconds = time.perf_counter() - start
            found.append({})
            marked.append(0)
            for path in stores:
                with Store(path) as store:
                    for each in find_measurements(store):
                        found[-1][each.architecture] = each.summary.median
                        marked[-1] += any("others used" in warning for warning in each.warnings)
            print(f"{len(NAMES)} latencies, {workers} process(es): {seconds:.0f} s, {marked[-1]} marked as disturbed")
    for what, one in (("two at once", found[1]), ("one, again", found[2])):
        ratios = sorted(one[name] / found[0][name] for name in found[0])
        print(f"{what}, over one: median {statistics.median(ratios):.3f}, from {ratios[0]:.3f} to {ratios[-1]:.3f}")


if __name__ == "__main__":
    what = {"tasks": tasks, "merging": merging, "trainings": trainings, "latencies": latencies}
    (what | {"measure_some": measure_some})[sys.argv[1]](*sys.argv[2:])
