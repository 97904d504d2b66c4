"""Gates for continuous integration: limits of costs and of latency ratios, and expected fronts."""

import json

import pytest

from lambda_arch.cli import gates
from lambda_arch.store.statistics import Summary
from lambda_arch.timing.measuring import Timing
from tests.command_line import run

SEARCH = ("search", "--space", "small.toml", "--minimize", "macs", "--maximize", "top1")
SMALL = "depth = 18\nimage_size = 64\nper = 'stage'\nk = [2, 8]\n"


@pytest.mark.parametrize(
    ("command", "limit", "code"),
    [
        ("params", "25_557_032", 0),
        ("params", "25_557_031", 1),
        ("params", "25.6M", 0),
        ("flops", "8_178_368_512", 0),
        ("flops", "8178368511", 1),
        ("params", "20", 2),
        ("params", "lots", 2),
    ],
)
def test_a_maximum_of_costs(command, limit, code):
    found = run(command, "resnet50", "resnet18", "--max", limit)
    assert found.code == code
    assert (found.out == "") == (code == 2), "the costs are shown before the command fails"
    assert found.err.count("\n") == bool(code)
    assert ("resnet50: 25,557,032 parameters, over the maximum of 25,557,031" in found.err) == (limit == "25_557_031")


def test_a_maximum_of_memory():
    train = ("memory", "resnet18", "--mode", "train", "--batch-size", 8)
    peak = run(*train, "--format", "json")
    assert run(*train, "--max", "24GB").code == 0
    found = run(*train, "--max", "100MB")
    assert (found.code, found.out != "") == (1, True)
    assert "bytes at the peak, over the maximum of 100,000,000" in found.err
    assert peak.code == 0


class Measured:
    """As much of a measurement as the gate reads."""

    architecture, setup = "lambda_resnet50", "cpu"


@pytest.mark.parametrize(
    ("ratio", "code", "said"),
    [
        (Summary(1.04, 1.03, 1.05, 9), 0, ""),
        (Summary(1.06, 1.04, 1.08, 9), 0, "not with its whole IQR"),
        (Summary(1.08, 1.06, 1.09, 9), 1, "1.080 times the latency of resnet50 (IQR 1.060 to 1.090), over 1.05"),
    ],
)
def test_latency_ratios_fail_with_their_whole_iqr(ratio, code, said, capsys):
    timing = Timing(Measured(), "resnet50", ratio)
    try:
        gates.check_ratios([timing, Timing(Measured(), "resnet50", None)], gates.read_fail_over("5%"))
    except gates.typer.Exit as left:
        assert left.exit_code == 1
        assert code == 1
    else:
        assert code == 0
    assert said in capsys.readouterr().err


@pytest.fixture
def front(tmp_path):
    (tmp_path / "small.toml").write_text(SMALL)
    assert run(*SEARCH, "--out", "front.json", cwd=tmp_path).code == 0
    return tmp_path / "front.json"


def test_an_expected_front(front):
    again = run(*SEARCH, "--expect", "front.json", "--members", 2, cwd=front.parent)
    assert (again.code, again.out.count("\n")) == (0, 3)

    data = json.loads(front.read_text())
    data["members"][0]["macs"] += 1
    data["members"][1]["architecture"] = gone = "lambda_resnet18:k=4@64"
    front.write_text(json.dumps(data))
    found = run(*SEARCH, "--expect", "front.json", cwd=front.parent)
    assert found.code == 1
    moved = data["members"][0]
    assert f"{moved['architecture']}: macs is {moved['macs'] - 1}, expected {moved['macs']}" in found.err
    assert f"{gone}: expected on the front, not found" in found.err
    assert found.err.count("lambda-arch: ") == 3


@pytest.mark.parametrize("text", ["", "{", "[]", '{"members": 3}', '{"members": [{}]}', "[" * 5000])
def test_a_file_that_is_no_front_is_refused(front, text):
    front.write_text(text)
    found = run(*SEARCH, "--expect", "front.json", cwd=front.parent)
    assert (found.code, found.out, found.err.count("\n")) == (2, "", 1)


def test_fronts_of_other_questions_are_not_compared(front):
    found = run(*SEARCH, "--where", "params<=20M", "--expect", "front.json", cwd=front.parent)
    assert (found.code, found.out) == (2, "")
    assert "where [], this one has" in found.err
