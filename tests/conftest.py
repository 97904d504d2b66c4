import os
import sys

import pytest
from hypothesis import settings

# one thread a worker: the suite runs on as many workers as there are cores
os.environ.setdefault("OMP_NUM_THREADS", "1")
settings.register_profile("suite", deadline=None, print_blob=True)
settings.load_profile("suite")


@pytest.fixture
def run_cli():
    """Run the command line as a process; returns (exit code, stdout, stderr)."""
    import subprocess

    def run(*arguments: object, **environment: str) -> tuple[int, str, str]:
        done = subprocess.run(
            [sys.executable, "-m", "lambda_arch", *map(str, arguments)],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONIOENCODING": "utf-8", **environment},
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    return run
