import gc
import os
import signal

import pytest
from hypothesis import HealthCheck, settings

# one thread a worker: the suite runs on as many workers as there are cores
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("NVIDIA_TF32_OVERRIDE", "0")  # on a GPU float32 is compared with float32
os.environ["KERAS_BACKEND"] = "torch"  # Keras reads it once, when it is imported
settings.register_profile(
    "suite",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
    derandomize="CI" in os.environ,
)
settings.register_profile("fast", settings.get_profile("suite"), max_examples=20)  # of make test-fast
settings.load_profile("suite")


@pytest.fixture(scope="session", autouse=True)
def _no_store_of_the_users(tmp_path_factory):
    """Keep the default store of this session's commands, and of the processes they start, in a folder of its own."""
    from lambda_arch.store import Store

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("KERAS_HOME", str(tmp_path_factory.mktemp("keras")))
        Store().close()
        yield


@pytest.fixture(scope="session", autouse=True)
def _silent_however_slow_the_machine_is():
    """Keep lines that depend on how long something takes out of what tests compare."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lambda_arch.cli.progress.SECONDS_PER_LINE", 3600.0)
        patch.setattr("lambda_arch.cli.progress.SECONDS_BEFORE_STATUS", 3600.0)
        patch.setattr("lambda_arch.cli.interrupts.LONG", 3600.0)
        yield


@pytest.fixture(scope="session", autouse=True)
def _interruptible_in_the_background_too():
    """Let Ctrl-C reach this process and those that it starts: a shell's job in the background ignores it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _imported_modules_are_no_garbage():
    """Keep what collection imported out of collections of garbage, which take a quarter of a second each with it."""
    gc.freeze()


@pytest.fixture
def run_cli():
    """Run the command line in this process; returns (exit code, stdout, stderr)."""
    from tests.command_line import run

    return run


@pytest.fixture
def workers():
    """Replace worker processes by ones that only pretend."""
    from tests.fake_workers import fake_workers

    with fake_workers() as fakes:
        yield fakes
