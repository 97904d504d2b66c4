"""``lambda-arch show --evaluation``."""

import csv
import io
import json

import pytest

from lambda_arch.store import Store
from tests.command_line import run

NAME = "lambda_resnet18:k=2,m=5@64"


def show(*arguments):
    return run("show", *arguments)


def test_executed_macs_stand_beside_the_canonical_ones():
    code, out, _ = show("lambda_resnet50", "--evaluation", "auto", "--batch-size", "8")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert code == 0
    assert len(rows) == 16
    small = rows[-1]
    assert (small["path"], small["map"], small["evaluation"]) == ("c5.3.spatial.lambdas", "7x7", "queries_first")
    assert int(small["macs"]) == 8 * 59_207_680
    assert int(small["executed_macs"]) < int(small["macs"]) / 5


def test_the_canonical_evaluation_executes_what_is_counted():
    code, out, _ = show("lambda_resnet50", "--evaluation", "canonical", "--format", "json")
    data = json.loads(out)
    assert code == 0
    assert data["executed_macs"] == data["macs"] == 6_575_505_408
    assert all(row["ratio"] == 1 for row in data["rows"])


def test_an_evaluation_can_be_forced():
    _, out, _ = show(NAME, "--evaluation", "matrix/sum")
    assert {row["evaluation"] for row in csv.DictReader(io.StringIO(out))} == {"matrix/sum"}


def test_measured_choices_are_remembered(tmp_path):
    path = tmp_path / "s.db"
    answers = [show(NAME, "--evaluation", "measured", "--store", str(path)) for _ in range(2)]
    assert answers[0][0] == 0
    assert answers[0] == answers[1]
    with Store(path) as store:
        assert store.rows("SELECT count(*) AS n FROM choice")[0]["n"] > 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--evaluation", "matrx"], "did you mean matrix?"),
        (["--evaluation", "mesured"], "did you mean measured?"),
        (["--evaluation", "auto", "--batch-size", "0"], "--batch-size 0"),
        (["--evaluation", "measured", "--store", "pyproject.toml"], "not a store"),
        (["--batch-size", "8"], "expected it with --evaluation NAME"),
        (["resnet50", "--evaluation", "auto"], "expected lambda layers"),
    ],
)
def test_what_cannot_be_shown_is_one_line(arguments, says):
    code, out, err = show(*arguments)
    assert (code, out) == (2, "")
    assert says in err
    assert len(err.splitlines()) == 1
