"""Choices of evaluation: by the cost model, by measuring, remembered on disk; and what they leave untouched."""

import json

import pytest
import torch

from lambda_arch.arch import parse
from lambda_arch.count import count, torch_book
from lambda_arch.nn import autotune, build, plans, set_evaluation
from lambda_arch.nn.autotune import cache_key, measure_layer
from lambda_arch.nn.choosing import lambda_layers
from lambda_arch.nn.evaluation import CANONICAL, Evaluation, candidates, choose
from lambda_arch.nn.evaluation.store import JsonStore

NAME = "lambda_resnet18:k=4,m=5@64"


@pytest.fixture
def measured():
    """A stand-in for the stopwatch: FFT wins everywhere; what was measured is kept."""
    calls = []

    def measure(layer, at, evaluations, training):
        calls.append((at, training))
        return {e: 0.0 if e.order == "fft" else 1.0 for e in evaluations} | {Evaluation("fft", "sum"): -1.0}

    measure.calls = calls
    return measure


def test_networks_are_canonical_unless_told_otherwise():
    assert {plan.evaluation for plan in plans(build(NAME))} == {CANONICAL}


def test_parameters_and_logits_do_not_depend_on_the_evaluation():
    torch.manual_seed(0)
    network = build(NAME).eval()
    x = torch.randn(2, 3, 64, 64)
    for name in ("auto", "matrix/sum", "fft"):
        other = build(NAME, evaluation=name, batch=2).eval()
        assert {k: v.shape for k, v in other.state_dict().items()} == {
            k: v.shape for k, v in network.state_dict().items()
        }
        other.load_state_dict(network.state_dict())
        torch.testing.assert_close(other(x), network(x), rtol=1e-4, atol=1e-5)


def test_canonical_macs_of_plans_are_those_of_the_ledger():
    network = build("lambda_resnet18:u=2,m=global,c3.m=7,c4.content=no@64", device="meta")
    counted = {row.path: row.macs for row in count(network.architecture).rows}
    parts = ("content", "apply_content", "position", "apply_position")
    for plan in plans(network):
        assert plan.canonical_macs == sum(counted.get(f"{plan.path}.{part}", 0) for part in parts)


def test_executed_macs_are_what_the_torch_counter_sees_of_the_whole_network():
    from torch.utils.flop_counter import FlopCounterMode

    network = build(NAME, evaluation="queries_first").eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.zeros(3, 3, 64, 64))
    canonical = 3 * torch_book(parse(NAME)).ledger.macs
    assert counter.get_total_flops() // 2 == canonical + sum(p.macs - p.canonical_macs for p in plans(network, 3))


def test_each_problem_is_measured_once_and_then_remembered(tmp_path, measured):
    store = JsonStore(tmp_path / "cache" / "evaluations.json")
    network = build(NAME)
    chosen = autotune(network, 2, store=store, measure=measured)
    assert set(map(str, chosen.values())) == {"fft/sum"}
    assert {str(layer.evaluation) for _, layer in lambda_layers(network)} == {"fft/sum"}
    distinct = {layer.problem(2) for _, layer in lambda_layers(network)}
    assert len(measured.calls) == len(distinct) < len(chosen)
    assert autotune(build(NAME), 2, store=store, measure=measured) == chosen
    assert len(measured.calls) == len(distinct)  # remembered
    autotune(build(NAME), 2, store=store, measure=measured, training=True)
    assert len(measured.calls) == 2 * len(distinct)  # another question


def test_a_choice_depends_on_shape_type_threads_and_training():
    (_, layer), *_ = lambda_layers(build(NAME))
    keys = {cache_key(layer, layer.problem(b), t) for b in (1, 2) for t in (True, False)}
    with torch.autocast("cpu", torch.bfloat16):
        keys.add(cache_key(layer, layer.problem(1), False))
    keys.add(cache_key(layer.double(), layer.problem(1), False))
    threads = torch.get_num_threads()
    torch.set_num_threads(threads + 1)
    keys.add(cache_key(layer, layer.problem(1), False))
    torch.set_num_threads(threads)
    assert len(keys) == 7
    assert all(json.loads(key)["torch"] == torch.__version__ for key in keys)


@pytest.mark.parametrize("damage", ["", "{", "[1, 2]", '{"a": 1}', "\x00\xff"])
def test_a_damaged_store_is_measured_again(tmp_path, measured, damage):
    path = tmp_path / "evaluations.json"
    path.write_text(damage, encoding="utf-8")
    autotune(build(NAME), store=JsonStore(path), measure=measured)
    assert measured.calls
    assert set(json.loads(path.read_text()).values()) == {"fft/sum"}
    assert [each.name for each in tmp_path.iterdir()] == ["evaluations.json"]


def test_a_choice_of_another_version_is_measured_again(tmp_path, measured):
    store = JsonStore(tmp_path / "evaluations.json")
    network = build(NAME)
    for _, layer in lambda_layers(network):
        store.put(cache_key(layer, layer.problem(1), False), "winograd")
    autotune(network, store=store, measure=measured)
    assert measured.calls


def test_deterministic_algorithms_are_not_chosen_by_a_stopwatch(tmp_path, measured):
    network = build(NAME)
    torch.use_deterministic_algorithms(True)
    try:
        chosen = autotune(network, 2, store=JsonStore(tmp_path / "e.json"), measure=measured)
    finally:
        torch.use_deterministic_algorithms(False)
    assert not measured.calls
    assert chosen == {path: choose(layer.problem(2)) for path, layer in lambda_layers(network)}


@pytest.mark.parametrize("training", [False, True])
def test_measuring_times_every_evaluation_and_leaves_the_layer_alone(training):
    (_, layer), *_ = lambda_layers(build(NAME))
    before = {name: tensor.clone() for name, tensor in layer.state_dict().items()}
    seconds = measure_layer(layer, layer.problem(2), list(candidates()), training)
    assert set(seconds) == set(candidates())
    assert min(seconds.values()) > 0
    assert layer.evaluation == CANONICAL
    torch.testing.assert_close(layer.state_dict(), before)
    assert all(parameter.grad is None for parameter in layer.parameters())


def test_setting_an_evaluation_that_there_is_not_names_the_nearest():
    with pytest.raises(ValueError, match="did you mean queries_first"):
        set_evaluation(build(NAME, device="meta"), "query_first")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_evaluations_are_equal_on_a_gpu(tmp_path, dtype):
    torch.manual_seed(0)
    network = build(NAME, device="cuda").eval()
    x = torch.randn(2, 3, 64, 64, device="cuda")
    with torch.no_grad():
        expected = network(x)
        for evaluation in [*candidates(), choose(next(lambda_layers(network))[1].problem(2), "cuda")]:
            set_evaluation(network, evaluation)
            with torch.autocast("cuda", dtype, enabled=dtype != torch.float32):
                found = network(x).float()
            tolerance = 1e-3 if dtype == torch.float32 else 0.1
            assert (found - expected).abs().max() <= tolerance * expected.abs().max()
    assert autotune(network, 2, store=JsonStore(tmp_path / "e.json"))
