"""ONNX's graph has the multiply-accumulates of the closed form, row by row."""

import json

import pytest

from lambda_arch.arch import parse
from lambda_arch.costs import agreement, count
from lambda_arch.costs.onnx_counter import FORMULAS
from lambda_arch.costs.verify_all import verify_all
from tests.command_line import run

NAME = "lambda_resnet18:stages=GX-SA-DL-LC,c4.m=global,c4.u=2,c5.m=3,c2.se=0.25,stem=rs,classes=10@48"  # every layer


@pytest.fixture(scope="module")
def counts():
    """The counts of all counters; those of the commands are read from where these are kept."""
    (found,) = verify_all([parse(NAME)], onnx=True)
    return found.others


@pytest.mark.slow
def test_every_module_agrees(counts):
    architecture = parse(NAME)
    *others, counted = counts
    assert [each.name for each in (*others, counted)] == ["fvcore", "torch", "onnx"]
    assert agreement.agreement(architecture, [*others, counted]).disagreements == ()
    ours = {row.path: row.macs for row in count(architecture).rows if row.macs}
    assert {row.path: row.macs for row in counted.ledger.rows} == ours
    assert counted.zero["Softmax"] > 0
    assert not counted.zero.keys() & FORMULAS.keys()
    rows = list(counted.ledger.rows)
    wrong = [rows[0]._replace(macs=rows[0].macs + 1), *rows[2:]]
    changed = type(counted).of("onnx", architecture, wrong, {})
    assert sorted(agreement.agreement(architecture, [changed]).disagreements) == sorted(
        [
            f"{rows[0].path}: macs {rows[0].macs} in closed form, {rows[0].macs + 1} by onnx",
            f"{rows[1].path}: only in the closed form",
        ]
    )


@pytest.mark.slow
def test_tables_are_verified_by_it(counts, monkeypatch):
    monkeypatch.setattr("lambda_arch.comparing.Comparisons.architectures", lambda self: (parse(NAME),))
    done = run("tables", "imagenet_lambda_resnet50", "--verify", "--format", "json")
    assert done.code == 0, done.err
    data = json.loads(done.out)
    assert [each["agree"] for each in data["architectures"]] == [True]
    zero = {name: set(operations) for name, operations in data["counted_as_zero"].items()}
    assert zero == {each.name: set(each.zero) for each in counts}


@pytest.mark.parametrize(
    ("operation", "inputs", "output", "attributes", "macs"),
    [
        ("Conv", [(2, 6, 9, 9), (8, 3, 5, 3)], (2, 8, 5, 7), {"group": 2}, 2 * 8 * 5 * 7 * 3 * 5 * 3),
        ("MatMul", [(4, 1, 3, 5), (7, 5, 6)], (4, 7, 3, 6), {}, 4 * 7 * 3 * 6 * 5),
        ("Gemm", [(5, 3), (5, 7)], (3, 7), {"transA": 1}, 3 * 7 * 5),
        ("Gemm", [(3, 5), (5, 7), (7,)], (3, 7), {}, 3 * 7 * 5),
        ("Einsum", [(2, 3, 4), (2, 4, 5)], (2, 3, 5), {"equation": "bij, bjk -> bik"}, 2 * 3 * 4 * 5),
    ],
)
def test_the_products_of_a_node(operation, inputs, output, attributes, macs):
    ir = pytest.importorskip("onnx_ir")
    values = [ir.Value(name=f"x{i}", shape=ir.Shape(shape)) for i, shape in enumerate(inputs)]
    node = ir.node(operation, values, attributes)
    node.outputs[0].shape = ir.Shape(output)
    assert FORMULAS[operation](node) == macs


def test_tables_say_when_it_was_skipped(monkeypatch):
    asked = []

    def verify_all(architectures, *, onnx):
        asked.append(onnx)
        return iter(())

    monkeypatch.setattr("lambda_arch.costs.verify_all.verify_all", verify_all)
    monkeypatch.setattr("lambda_arch.lazy.find_spec", lambda name: None)
    skipped = run("tables", "ablation_khu", "--verify")
    assert "note: ONNX's graph is not counted; `pip install 'lambda-arch[onnx]'` adds this counter" in skipped.err
    monkeypatch.undo()
    monkeypatch.setattr("lambda_arch.costs.verify_all.verify_all", verify_all)
    assert run("tables", "ablation_khu", "--verify").err == ""
    assert asked == [False, True]
