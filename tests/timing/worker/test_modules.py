import pytest

from lambda_arch.interop.locating import locate
from lambda_arch.interop.references import read_reference
from lambda_arch.store import Setup, Status
from lambda_arch.timing.protocol import WorkerError, WorkerProcess
from lambda_arch.timing.protocol.json_lines import from_line, to_line
from lambda_arch.timing.protocol.messages import Failure, LoadReply, LoadRequest, Request, SampleRequest
from lambda_arch.timing.worker import session
from lambda_arch.timing.worker.session import Session
from tests.interop.user_models import SOURCE
from tests.waiting import HANGS

FORWARD = 2 * (16 * 16 * 27 * 8 + 80)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "models.py").write_text(SOURCE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(session, "limit_memory", lambda memory: None)  # this process has more to do
    monkeypatch.setattr("sys.path", __import__("sys").path[:])
    return tmp_path


def request(text, **setup):
    reference = read_reference(text)
    found = LoadRequest(str(reference), Setup(threads=1, **setup), 0.0, location=locate(reference))
    assert from_line(to_line(found), Request) == found
    return found


@pytest.mark.parametrize(
    ("setup", "flops"),
    [
        ({}, FORWARD),
        ({"batch_size": 3}, 3 * FORWARD),
        # gradients of weights, and of the inputs of the classifier alone: images need none
        ({"mode": "train", "batch_size": 2}, 2 * (2 * FORWARD + 160)),
        ({"dtype": "bf16"}, FORWARD),
        ({"dtype": "bf16", "cast": "cast", "memory_format": "channels_last"}, FORWARD),
    ],
)
def test_a_module_runs_in_a_setup_and_its_flops_are_counted(folder, setup, flops):
    worker = Session()
    reply = worker.answer(request("models.py:Net@1,3,32,32", **setup))
    assert isinstance(reply, LoadReply), reply
    assert reply.flops == flops
    assert worker.answer(SampleRequest(0.0)).seconds


def test_several_inputs_of_several_dtypes(folder):
    (folder / "two.py").write_text(
        "from torch import nn\n"
        "class Two(nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.words = nn.Embedding(2, 8)\n"
        "    def forward(self, x, words):\n"
        "        assert x.shape[0] == words.shape[0] == 4\n"
        "        return {'y': x + self.words(words), 'words': words}\n"
    )
    reply = Session().answer(request("two.py:Two@1,8;1:int64", batch_size=4, mode="train"))
    assert isinstance(reply, LoadReply), reply


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("models.py:broken", "models.py:broken: line 19 of models.py: KeyError: 'no weights here'"),
        ("models.py:Net@1,4,32,32", "models.py:Net: line 15 of models.py: RuntimeError"),
        ("models.py:Net(wide=1)", "unexpected keyword argument 'wide'"),
        ("models.py:wrong", "returned a str"),
    ],
)
def test_an_error_of_users_code_is_a_failure_with_its_line(folder, text, words):
    reply = Session().answer(request(text))
    assert isinstance(reply, Failure)
    assert reply.status is Status.FAILED
    assert words in reply.reason


@pytest.mark.slow
def test_a_worker_process_imports_from_the_current_folder_what_was_named_alone(folder):
    (folder / "mine").mkdir()
    (folder / "mine" / "__init__.py").write_text("")
    (folder / "mine" / "net.py").write_text(
        "import sys\nfrom models import Net\nassert sys.flags.safe_path\nprint('to stdout')\n"
    )
    (folder / "fvcore.py").write_text("raise SystemExit('imported')\n")  # hides nothing
    with WorkerProcess(1) as worker:
        assert worker.load(request("mine.net:Net@1,3,32,32"), HANGS).flops == FORWARD
        assert worker.sample(0.0, HANGS).seconds
    with WorkerProcess(1) as worker, pytest.raises(WorkerError, match=r"failed: mine\.net:Nett: mine\.net has no Nett"):
        worker.load(request("mine.net:Nett"), HANGS)
