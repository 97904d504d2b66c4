"""Worker processes: what a request comes to, how they end, and what they import."""

import os
import signal
import subprocess
import sys

import pytest

from lambda_arch.errors import SetupError
from lambda_arch.store import Setup
from lambda_arch.timing.protocol import WorkerError, WorkerProcess
from lambda_arch.timing.protocol.messages import LoadRequest
from tests.command_line import started
from tests.waiting import HANGS, is_gone, wait_until

LOAD = LoadRequest("resnet18@32", Setup(threads=1), warmup=0.0)


@pytest.mark.slow
def test_a_network_is_measured_and_what_cannot_be_is_said():
    with WorkerProcess() as worker:
        assert "cpu" in worker.devices()
        with pytest.raises(SetupError, match="cuda:77: not here"):
            worker.machine("cuda:77")
        assert worker.load(LOAD, timeout=HANGS).warmup
        assert worker.sample(0.0, timeout=HANGS).seconds
    assert is_gone(worker.pid)


def test_one_that_dies_says_how():
    with WorkerProcess() as worker:
        os.kill(worker.pid, signal.SIGSEGV)
        with pytest.raises(WorkerError, match="SIGSEGV") as caught:
            worker.devices()
    assert caught.value.status == "crash"


def test_one_that_hangs_is_ended():
    with WorkerProcess() as worker:
        os.kill(worker.pid, signal.SIGSTOP)
        with pytest.raises(WorkerError, match=r"no answer within 0\.1 s") as caught:
            worker.load(LOAD, timeout=0.1)
        assert caught.value.status == "timeout"
        assert is_gone(worker.pid)


def test_one_that_says_something_else_has_crashed(monkeypatch, tmp_path):
    (tmp_path / "says.py").write_text("input(); print('hello', flush=True); input()")
    monkeypatch.setattr("lambda_arch.timing.protocol.process.SCRIPT", tmp_path / "says.py")
    with WorkerProcess() as worker:
        with pytest.raises(WorkerError, match=r"hello.*expected a message") as caught:
            worker.devices()
        assert caught.value.status == "crash"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the kernel of others does not do that")
def test_even_a_stopped_one_ends_with_its_parent():
    script = (
        "import time; from lambda_arch.timing.protocol import WorkerProcess; w = WorkerProcess(); w.devices();"
        "print(w.pid, flush=True); time.sleep(60)"
    )
    with started(sys.executable, "-c", script, stdout=subprocess.PIPE, text=True) as parent:
        pid = int(parent.stdout.readline())
        os.kill(pid, signal.SIGSTOP)
        parent.kill()
        wait_until(lambda: is_gone(pid))


@pytest.mark.slow
def test_nothing_of_the_current_folder_is_imported(tmp_path, monkeypatch):
    for name in ("psutil.py", "random.py", "torch.py", "numpy.py", "lambda_arch/__init__.py"):
        path = tmp_path / "folder" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"open({str(tmp_path / 'ran')!r}, 'a').write({name!r})\n")
    monkeypatch.chdir(tmp_path / "folder")
    with WorkerProcess() as worker:
        worker.machine("cpu")
        worker.load(LOAD, timeout=HANGS)
    assert not (tmp_path / "ran").exists()
