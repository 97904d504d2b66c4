"""Clusters of three nodes of Ray on this machine, whose nodes and drivers are killed."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter

import psutil
import pytest

from lambda_arch.store import Store, find_measurements
from tests.cluster.driver import FULL

pytestmark = pytest.mark.slow

SHARED, CONTINUED, LOST = range(4), range(4, 8), range(8, 14)  # the works of each test: nodes know those of others


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Yield a cluster whose head does nothing, and a function that adds a node of one core."""
    pytest.importorskip("ray")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        from ray.cluster_utils import Cluster

        made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})

        def add(**environment):
            folder = tmp_path_factory.mktemp("node")
            return made.add_node(num_cpus=1, env_vars={"LAMBDA_ARCH_NODE_FOLDER": str(folder), **environment})

        made.add = add
        made.workers = [add(), add()]
        yield made
        made.shutdown()


@pytest.fixture
def drive(cluster, tmp_path):
    """Return a function that starts a driver with one store and one log for the test."""
    started = []

    def start(works, seconds):
        arguments = [cluster.address, tmp_path / "s.db", tmp_path / "log", works[0], len(works), seconds]
        driver = subprocess.Popen(
            [sys.executable, "-m", "tests.cluster.driver", *map(str, arguments)], stdout=subprocess.PIPE, text=True
        )
        started.append(driver)
        return driver

    yield start
    for driver in started:
        driver.kill()
        driver.wait()
        driver.stdout.close()


def lines(tmp_path, what):
    log = tmp_path / "log"
    return [line.split() for line in log.read_text().splitlines() if line.startswith(what)] if log.exists() else []


def wait_for(tmp_path, what, number):
    deadline = time.monotonic() + 60
    while len(lines(tmp_path, what)) < number:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def ended(tmp_path):
    """Return how often each work was finished."""
    return Counter(int(number) for _, number, *_ in lines(tmp_path, "end"))


def check_store(tmp_path, works):
    """Every work's measurement is in the store once, whole."""
    with Store(tmp_path / "s.db") as store:
        found = find_measurements(store)
    assert sorted(m.setup.batch_size - 1 for m in found) == list(works)
    assert all(m.status == "ok" and m.samples == [1.0, 2.0] and m.node for m in found)


def test_two_drivers_at_once_share_the_work(drive, tmp_path):
    drivers = [drive(SHARED, 0.3), drive(SHARED, 0.3)]
    assert [driver.wait(60) for driver in drivers] == [0, 0]
    check_store(tmp_path, SHARED)
    assert ended(tmp_path) == dict.fromkeys(SHARED, 1)


def test_a_killed_driver_goes_on_where_it_was(drive, tmp_path):
    first = drive(CONTINUED, 0.5)
    wait_for(tmp_path, "end", 2)
    first.kill()
    first.wait()
    assert drive(CONTINUED, 0.5).wait(60) == 0
    check_store(tmp_path, CONTINUED)
    assert ended(tmp_path) == dict.fromkeys(CONTINUED, 1)


def test_a_full_disk_and_a_killed_node(cluster, drive, tmp_path):
    full = cluster.add(**{FULL: "1"})
    lost = cluster.add()
    driver = drive(LOST, 0.6)
    place = None
    deadline = time.monotonic() + 60
    while place is None:  # kill the node in the middle of a work
        assert time.monotonic() < deadline
        place = next((where for _, _, where in lines(tmp_path, "begin") if where == folder_of(lost)), None)
        time.sleep(0.05)
    cluster.remove_node(lost, allow_graceful=False)
    assert driver.wait(90) == 0
    assert "is left out" in driver.stdout.read()
    check_store(tmp_path, LOST)
    assert max(ended(tmp_path).values()) <= 2  # the one that was under way on the lost node, at most
    assert sum(ended(tmp_path).values()) <= len(LOST) + 1
    cluster.remove_node(full)


def folder_of(node):
    return node._ray_params.env_vars["LAMBDA_ARCH_NODE_FOLDER"]


def test_ctrl_c_ends_a_cluster_of_its_own(tmp_path):
    driver = subprocess.Popen(
        [sys.executable, "-m", "tests.cluster.driver", "local", tmp_path / "s.db", tmp_path / "log", "0", "3", "30"],
        stdout=subprocess.DEVNULL,
        env={**os.environ, "LAMBDA_ARCH_NODE_FOLDER": str(tmp_path / "node")},
    )
    wait_for(tmp_path, "begin", 1)
    below = psutil.Process(driver.pid).children(recursive=True)
    assert len(below) > 3
    driver.send_signal(signal.SIGINT)
    assert driver.wait(30) == 130
    _, alive = psutil.wait_procs(below, timeout=10)
    assert alive == []
