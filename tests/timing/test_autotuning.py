"""Evaluations measured, and kept in the store."""

import json

import pytest
import torch

from lambda_arch.nn import build
from lambda_arch.nn.evaluation import CANONICAL, Evaluation, candidates, choose
from lambda_arch.nn.plan import lambda_layers
from lambda_arch.store import Store, merge
from lambda_arch.timing.autotuning import autotune, measure_layer, question

NAME = "lambda_resnet18:k=4,m=5@64"


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "s.db") as opened:
        yield opened


@pytest.fixture
def measured():
    """A stand-in for the stopwatch: FFT wins global_scope; what was measured is kept."""
    calls = []

    def measure(layer, at, evaluations, training):
        calls.append((at, training))
        return {e: 0.0 if e.order == "fft" else 1.0 for e in evaluations} | {Evaluation("fft", "sum"): -1.0}

    measure.calls = calls
    return measure


def test_each_problem_is_measured_once_and_then_remembered(store, measured):
    network = build(NAME)
    chosen = autotune(network, 2, store=store, measure=measured)
    assert set(map(str, chosen.values())) == {"fft/sum"}
    assert {str(layer.evaluation) for _, layer in lambda_layers(network)} == {"fft/sum"}
    distinct = {layer.layer_shape(2) for _, layer in lambda_layers(network)}
    assert len(measured.calls) == len(distinct) < len(chosen)
    assert autotune(build(NAME), 2, store=store, measure=measured) == chosen
    assert len(measured.calls) == len(distinct)  # remembered
    autotune(build(NAME), 2, store=store, measure=measured, training=True)
    assert len(measured.calls) == 2 * len(distinct)  # another question
    rows = store.rows("SELECT * FROM choice")
    assert len(rows) == 2 * len(distinct)
    assert all(json.loads(row["seconds"])["fft/sum"] == -1 for row in rows)


def test_a_choice_depends_on_shape_type_threads_and_training():
    (_, layer), *_ = lambda_layers(build(NAME))
    asked = [question(layer, layer.layer_shape(b), t) for b in (1, 2) for t in (True, False)]
    with torch.autocast("cpu", torch.bfloat16):
        asked.append(question(layer, layer.layer_shape(1), False))
    asked.append(question(layer.double(), layer.layer_shape(1), False))
    threads = torch.get_num_threads()
    torch.set_num_threads(threads + 1)
    asked.append(question(layer, layer.layer_shape(1), False))
    torch.set_num_threads(threads)
    assert len({json.dumps(each) for each in asked}) == 7


def test_a_choice_of_another_version_is_measured_again(store, measured):
    network = build(NAME)
    autotune(network, store=store, measure=measured)
    first = len(measured.calls)
    store.rows("UPDATE choice SET evaluation = 'winograd'")
    autotune(network, store=store, measure=measured)
    assert len(measured.calls) == 2 * first
    assert {row["evaluation"] for row in store.rows("SELECT evaluation FROM choice")} == {"fft/sum"}


def test_choices_merge(store, measured, tmp_path):
    with Store(tmp_path / "other.db") as other:
        autotune(build(NAME), store=other, measure=measured)
    added = merge(store, tmp_path / "other.db")["choice"]
    assert added == len(measured.calls)
    autotune(build(NAME), store=store, measure=measured)
    assert len(measured.calls) == added  # known by now


def test_deterministic_algorithms_are_not_chosen_by_a_stopwatch(store, measured):
    network = build(NAME)
    torch.use_deterministic_algorithms(True)
    try:
        chosen = autotune(network, 2, store=store, measure=measured)
    finally:
        torch.use_deterministic_algorithms(False)
    assert not measured.calls
    assert chosen == {path: choose(layer.layer_shape(2)) for path, layer in lambda_layers(network)}


@pytest.mark.parametrize("training", [False, True])
def test_measuring_times_every_evaluation_and_leaves_the_layer_alone(training):
    (_, layer), *_ = lambda_layers(build(NAME))
    before = {name: tensor.clone() for name, tensor in layer.state_dict().items()}
    seconds = measure_layer(layer, layer.layer_shape(2), list(candidates()), training)
    assert set(seconds) == set(candidates())
    assert min(seconds.values()) > 0
    assert layer.evaluation == CANONICAL
    torch.testing.assert_close(layer.state_dict(), before)
    assert all(parameter.grad is None for parameter in layer.parameters())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_evaluations_are_measured_on_a_gpu(store):
    assert autotune(build(NAME, device="cuda"), 2, store=store)
