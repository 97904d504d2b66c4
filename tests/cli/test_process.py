"""What only a process of its own shows: that it starts, its exit code, its pipes, and what it loads."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lambda_arch import __version__
from tests.command_line import MODULE, run_process
from tests.waiting import HANGS

SCRIPT = shutil.which("lambda-arch", path=Path(sys.executable).parent)


@pytest.mark.skipif(SCRIPT is None, reason="the package's script is not installed here")
def test_the_installed_command_starts():
    done = subprocess.run([str(SCRIPT), "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"lambda-arch {__version__}\n"


def test_a_result_is_on_stdout_with_exit_code_0():
    code, out, err = run_process("params", "lambda_resnet50")
    assert (code, err) == (0, "")
    assert out.splitlines()[1] == "lambda_resnet50,224,14995592,6575505408,13151010816"


def test_an_error_is_one_line_on_stderr_with_exit_code_2():
    code, out, err = run_process("params", "lambda_resnet51")
    assert (code, out) == (2, "")
    assert err.startswith("lambda-arch: lambda_resnet51: no such architecture")
    assert err.count("\n") == 1


def test_a_closed_pipe_is_no_error():
    shown = subprocess.Popen(
        [*MODULE, "show", "lambda_resnet420"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    )
    assert shown.stdout is not None
    assert shown.stderr is not None
    assert shown.stdout.readline().startswith("path,")
    shown.stdout.close()
    assert "Traceback" not in shown.stderr.read()
    shown.stderr.close()
    assert shown.wait(HANGS) == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "heavy"),
    [
        (["params", "--k", "16", "--h", "4", "--u", "1", "--format", "table"], "torch numpy pandas fvcore pydantic"),
        (["params", "resnet50:stages=AAAA", "--kappa", "0.3"], "torch numpy pandas fvcore"),
        (["search", "--members", "3"], "torch pandas plotly matplotlib pymoo"),
        (["memory", "--mode", "train", "--evaluation", "fft", "--fits", "1GB"], "torch numpy pandas fvcore"),
        (["results"], "torch numpy pandas matplotlib"),
    ],
    ids=["params", "comparison layers", "search", "memory", "results"],
)
def test_what_a_command_does_not_need_is_not_loaded(arguments, heavy):
    script = (
        "import sys\nfrom lambda_arch.cli.main import main\nassert main() == 0\nprint(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True)
    loaded = done.stderr.splitlines()[-1].split()
    assert "lambda_arch.cli.main" in loaded
    assert not set(heavy.split()) & set(loaded)
