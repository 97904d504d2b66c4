import csv
import io
import os
import subprocess
from contextlib import ExitStack

import pytest
from safetensors.torch import load_file
from torch.distributed import TCPStore

from tests.command_line import MODULE, started
from tests.waiting import HANGS

ARCHITECTURE = "lambda_mobilenet:layers=CCCCCCL-----C-,classes=10"
ARGUMENTS = (
    *("train", ARCHITECTURE, "--data", "digits", "--recipe", "digits", "--opt", "sgd", "--lr", "0.02"),
    *("--mixup", "0.2", "--model-ema", "0.5", "--output"),
)
TWO_EPOCHS = ("--epochs", "2", "--limit-images", "64", "--quiet")


def run_ranks(size, *arguments):
    """Run the command line as ``size`` processes, with the variables and the store that torchrun has."""
    store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    world = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(store.port), "WORLD_SIZE": str(size)}
    world["TORCHELASTIC_USE_AGENT_STORE"] = "True"  # of a port that is ours, not one that was free before
    how = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with ExitStack() as stack:
        ranks = [
            stack.enter_context(
                started(
                    *MODULE, *arguments, env={**os.environ, **world, "RANK": str(rank), "LOCAL_RANK": str(rank)}, **how
                )
            )
            for rank in range(size)
        ]
        outputs = [rank.communicate(timeout=HANGS) for rank in ranks]
    return [rank.returncode for rank in ranks], *zip(*outputs, strict=True)


def logs_and_weights(folder):
    log = list(csv.DictReader(next(folder.glob("*/log.csv")).open()))
    return log, load_file(next(folder.glob("*/final.safetensors")))


@pytest.mark.slow
def test_two_processes_learn_what_one_does(tmp_path, run_cli):
    """Each of the two steps is one of the whole batch: the second loss is that of the first step's weights."""
    code, out, err = run_cli(*ARGUMENTS, tmp_path / "one", *TWO_EPOCHS)
    assert code == 0, err
    codes, outs, errs = run_ranks(2, *ARGUMENTS, tmp_path / "two", *TWO_EPOCHS)
    assert codes == [0, 0], errs
    assert outs[1] == "" and errs == ("", "")  # only the first reports
    one, two = (next(csv.DictReader(io.StringIO(text))) for text in (out, outs[0]))
    assert one["architecture"] == two["architecture"] and one["status"] == two["status"] == "finished"
    (log, weights), (other_log, other_weights) = (logs_and_weights(tmp_path / name) for name in ("one", "two"))
    for epoch, other in zip(log, other_log, strict=True):
        assert float(other["loss"]) == pytest.approx(float(epoch["loss"]), rel=1e-4)
    assert weights.keys() == other_weights.keys()


@pytest.mark.slow
def test_a_batch_that_cannot_be_divided_is_refused_by_all(tmp_path):
    codes, _, errs = run_ranks(2, *ARGUMENTS, tmp_path, *TWO_EPOCHS, "--batch-size", "63")
    assert codes == [2, 2] and all("--batch-size 63: expected a multiple of the 2 processes" in err for err in errs)
