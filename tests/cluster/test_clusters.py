"""A cluster of three nodes of Ray on this machine, of which one has a full disk, and one is killed in the end."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter

import psutil
import pytest

from lambda_arch.cluster import connected
from lambda_arch.store import Store, find_measurements
from lambda_arch.store.runs import read_runs
from tests.cluster.driver import FULL, NODE, drive
from tests.command_line import MODULE, started
from tests.waiting import HANGS, is_gone, wait_until

pytestmark = pytest.mark.slow

NAMES = ("sound", FULL, "lost")
SHARED, CONTINUED, LOST = range(3), range(3, 6), range(6, 9)  # the works of each test: nodes know those of others


@pytest.fixture(scope="module")
def apart(tmp_path_factory):
    """Return the variables that keep latencies from waiting for those of other tests on this machine."""
    return {"TMPDIR": str(tmp_path_factory.mktemp("tmp")), "RAY_TMPDIR": "/tmp"}  # Ray's paths have to be short


@pytest.fixture(scope="module")
def cluster(tmp_path_factory, apart):
    """Yield a cluster, which this process has joined, and whose head does nothing."""
    pytest.importorskip("ray")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        from ray.cluster_utils import Cluster

        made = Cluster(
            initialize_head=True,
            head_node_args={"num_cpus": 0, "include_dashboard": False, "include_log_monitor": False, "wait": False},
        )
        made.by_name = {
            name: made.add_node(
                num_cpus=1,
                wait=False,
                resources={name: 1},
                env_vars={**apart, "LAMBDA_ARCH_NODE_FOLDER": str(tmp_path_factory.mktemp("node")), NODE: name},
            )
            for name in NAMES
        }
        made.wait_for_nodes(timeout=HANGS)
        with connected(made.address):
            yield made
        made.shutdown()


@pytest.fixture
def other(cluster, tmp_path):
    """Return a function that starts another driver on the same store."""
    started = []

    def start(works, seconds):
        arguments = [cluster.address, tmp_path / "s.db", tmp_path / "log", works[0], len(works), seconds]
        driver = subprocess.Popen([sys.executable, "-m", "tests.cluster.driver", *map(str, arguments)])
        started.append(driver)
        return driver

    yield start
    for driver in started:
        driver.kill()
        driver.wait()


def lines(tmp_path, what=""):
    """Return what works wrote, as (what, number, node)."""
    log = tmp_path / "log"
    return [line.split() for line in log.read_text().splitlines() if line.startswith(what)] if log.exists() else []


def ended(tmp_path):
    """Return how often each work was finished."""
    return Counter(int(number) for _, number, _ in lines(tmp_path, "end"))


def check_store(tmp_path, works):
    """Every work's measurement is in the store once, whole."""
    with Store(tmp_path / "s.db") as store:
        found = find_measurements(store)
    assert sorted(m.setup.batch_size - 1 for m in found) == list(works)
    assert all(m.status == "ok" and m.samples == [1.0, 2.0] and m.node for m in found)


def test_two_drivers_share_the_work_and_no_latencies_share_cores(cluster, other, tmp_path):
    second = other(SHARED, 0.2)
    notes = []
    drive(
        cluster.address, tmp_path / "s.db", tmp_path / "log", SHARED, 0.2, progress=lambda now: notes.append(now.note)
    ).check()
    assert second.wait(HANGS) == 0
    check_store(tmp_path, SHARED)
    assert ended(tmp_path) == dict.fromkeys(SHARED, 1)
    done = [(what, number) for what, number, node in lines(tmp_path) if node != FULL]
    assert done == [(what, number) for _, number in done[::2] for what in ("begin", "end")]


def test_a_killed_driver_goes_on_where_it_was(cluster, other, tmp_path):
    first = other(CONTINUED, 0.2)
    wait_until(lambda: len(lines(tmp_path, "end")) >= 2, first)
    first.kill()
    first.wait()
    drive(cluster.address, tmp_path / "s.db", tmp_path / "log", CONTINUED, 0.2).check()
    check_store(tmp_path, CONTINUED)
    assert set(ended(tmp_path).values()) == {1}  # one that was killed before it said so was finished all the same


def test_the_loop_trains_on_the_cluster(cluster, run_cli, tmp_path):
    pytest.importorskip("sklearn.datasets")  # sets environment variables when it is imported
    (tmp_path / "s.toml").write_text('depth = 18\nimage_size = 32\nclasses = 10\nstages = ["CCCC", "CCCL"]\nm = 3')
    code, out, err = run_cli(
        "search", "--space", "s.toml", "--train", "--data", "digits", "--recipe", "digits", "--epochs", 1,
        "--limit-images", 64, "--trainings", 1, "--batch", 1, "--draws", 4, "--cluster", cluster.address,
        "--resource", "sound", "--store", "s.db", "--format", "json", cwd=tmp_path,
    )  # fmt: skip
    assert code == 0, err
    (trained,) = json.loads(out)["trained"]
    assert trained["top1"] >= 0
    assert len(list((tmp_path / "runs").glob("*/final.safetensors"))) == 1


def test_a_full_disk_and_a_killed_node_lose_only_what_was_under_way(cluster, tmp_path):
    """No work ends on the node that is killed, nor elsewhere before that."""
    notes = []

    def progress(now):
        notes.append(now.note)
        if "lost" in cluster.by_name and any(node == "lost" for _, _, node in lines(tmp_path)):
            cluster.remove_node(cluster.by_name.pop("lost"), allow_graceful=False)
            (tmp_path / "sound").touch()

    how = {"gates": tmp_path, "undisturbed": False, "progress": progress}
    drive(cluster.address, tmp_path / "s.db", tmp_path / "log", LOST, **how).check()
    check_store(tmp_path, LOST)
    assert "lost" not in cluster.by_name
    assert sorted(lines(tmp_path, "end")) == [["end", str(number), "sound"] for number in LOST]
    assert len([note for note in notes if note.startswith("left out: ")]) == 1


def test_ctrl_c_in_a_training_ends_a_cluster_of_its_own_and_keeps_the_run(apart, tmp_path):
    pytest.importorskip("ray")
    arguments = (
        "train",
        "lambda_mobilenet:classes=10@16",
        "--data",
        "digits",
        "--recipe",
        "digits",
        "--epochs",
        10_000,
    )
    arguments = (*arguments, "--limit-images", 64, "--cluster", "local", "--store", "s.db", "--format", "csv")
    place = {**apart, "LAMBDA_ARCH_NODE_FOLDER": str(tmp_path / "node"), "OMP_NUM_THREADS": "1"}
    how = {"cwd": tmp_path, "env": {**os.environ, **place}, "text": True}
    with started(*MODULE, *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **how) as driver:
        wait_until(lambda: list((tmp_path / "runs").glob("*/checkpoint*")), driver)
        below = psutil.Process(driver.pid).children(recursive=True)
        os.killpg(driver.pid, signal.SIGINT)  # as a terminal does
        out, err = driver.communicate(timeout=HANGS)
    assert driver.returncode == 130
    assert "interrupted" in out and "the same command with --resume continues it" in err
    assert below
    wait_until(lambda: all(is_gone(each.pid) for each in below))
    with Store(tmp_path / "s.db") as store:
        (run,) = read_runs(store)
    assert run.status == "interrupted" and run.epochs
