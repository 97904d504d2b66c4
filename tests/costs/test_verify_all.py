"""Counts are kept by what was counted, made on several cores, and never trusted where they are damaged."""

import json

import pytest

from lambda_arch.arch import parse
from lambda_arch.costs import count, kept_counts, verify, verify_all
from lambda_arch.costs.counted import Counted
from tests.command_line import run

NAMES = ("resnet18@32", "lambda_resnet18:k=4,m=3@32", "resnet26@32", "lambda_resnet26:k=4,m=3@32")
SOME = [parse(name) for name in NAMES]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "lambda-arch" / "counts"


@pytest.fixture
def counted(monkeypatch):
    """The architectures that were run, in this process, by counters that agree with the closed form."""
    found = []

    def run_counters(architecture, onnx=False):
        found.append(architecture)
        rows = list(count(architecture).rows)
        return tuple(Counted.of(name, architecture, rows, {"aten::add": 3}) for name in ("fvcore", "torch"))

    monkeypatch.setattr(verify_all, "run_counters", run_counters)
    monkeypatch.setattr(verify_all, "FEW", 100)
    return found


def all_of(architectures):
    return list(verify_all.verify_all(architectures))


def test_what_was_counted_is_not_counted_again(counted):
    first = all_of(SOME[:2])
    again = all_of(SOME[:3])
    assert counted == SOME[:3]
    assert [each.kept for each in again] == [True, True, False]
    assert [each.others for each in again[:2]] == [each.others for each in first]
    assert again[2].others[1].zero == {"aten::add": 3}


def test_other_code_or_versions_count_again(counted, monkeypatch):
    all_of(SOME[:1])
    monkeypatch.setattr(kept_counts, "versions", lambda onnx=False: {"torch": "0", "fvcore": "0"})
    all_of(SOME[:1])
    monkeypatch.setattr(kept_counts, "_code", lambda: "other code")
    all_of(SOME[:1])
    assert counted == SOME[:1] * 3


@pytest.mark.parametrize("damage", [b"", b"[]", b'{"architecture": "resnet18@32"}', b"\xff"])
def test_damaged_counts_are_made_again(folder, counted, damage):
    all_of(SOME[:1])
    (path,) = folder.iterdir()
    path.write_bytes(damage)
    assert all_of(SOME[:1])[0].disagreements == ()
    assert counted == SOME[:1] * 2


def test_kept_counts_are_compared_with_the_closed_form_of_now(folder, counted):
    all_of(SOME[:1])
    (path,) = folder.iterdir()
    kept = json.loads(path.read_text())
    kept["counts"][1]["rows"][0][4] += 1
    path.write_text(json.dumps(kept))
    (line,) = all_of(SOME[:1])[0].disagreements
    assert "by torch" in line


def test_what_an_interruption_leaves_is_kept(counted):
    rows = verify_all.verify_all(SOME[:2])
    next(rows)
    rows.close()
    assert [each.kept for each in all_of(SOME[:2])] == [True, False]


@pytest.mark.slow
def test_several_processes_give_the_same_in_order(monkeypatch):
    monkeypatch.setattr(verify_all, "_most", lambda: 2)
    monkeypatch.setattr(verify_all, "run_counters", None)  # not in this process
    found = all_of(SOME)
    assert [each.ledger.architecture for each in found] == [str(each) for each in SOME]
    assert found[1].others == verify(SOME[1]).others
    assert not any(each.disagreements or each.kept for each in found)


def test_a_table_is_checked_as_well_as_verified(tmp_path, monkeypatch, counted):
    results = all_of(SOME[:1])
    monkeypatch.setattr(verify_all, "verify_all", lambda architectures, onnx: results)
    code, out, err = run("tables", "cifar10", "--verify", "--check", "--out", tmp_path, "--format", "table")
    assert code == 1
    assert "1 of 1 architectures agree" in out and "missing" in err


def test_no_figure_is_broken_at_80_columns(monkeypatch, counted):
    results = all_of([parse("lambda_resnet50:pool=first,shortcut_bias=yes,k=8,h=8,u=4,m=7")])
    monkeypatch.setattr(verify_all, "verify_all", lambda architectures, onnx: results)
    _, out, _ = run("tables", "cifar10", "--verify", "--format", "table")
    assert "15,265,768" in out and "2,994,946,048" in out
    assert max(map(len, out.splitlines())) <= 80
