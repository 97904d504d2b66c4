"""Choices of evaluation by the cost model, and what they leave untouched."""

from functools import partial

import pytest
import torch

from lambda_arch.arch import parse
from lambda_arch.costs import count, count_by_torch
from lambda_arch.errors import SetupError
from lambda_arch.nn import build, plans, prepare, set_evaluation
from lambda_arch.nn.evaluation import CANONICAL, candidates, choose
from lambda_arch.nn.plan import lambda_layers
from lambda_arch.timing import autotune

NAME = "lambda_resnet18:k=4,m=5@64"


def test_networks_are_canonical_unless_told_otherwise():
    assert {plan.evaluation for plan in plans(build(NAME))} == {CANONICAL}


@pytest.mark.slow
def test_parameters_and_logits_do_not_depend_on_the_evaluation():
    torch.manual_seed(0)
    network = build(NAME).eval()
    x = torch.randn(2, 3, 64, 64)
    for name in ("auto", "matrix/sum", "fft"):
        other = build(NAME, evaluation=name, batch_size=2).eval()
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
    canonical = 3 * count_by_torch(parse(NAME)).ledger.macs
    assert counter.get_total_flops() // 2 == canonical + sum(p.macs - p.canonical_macs for p in plans(network, 3))


def test_setting_an_evaluation_that_there_is_not_names_the_nearest():
    with pytest.raises(ValueError, match="did you mean queries_first"):
        set_evaluation(build(NAME, device="meta"), "query_first")


def test_a_prepared_network_is_refused_and_a_wrong_name_even_without_lambda_layers():
    prepared = prepare(build(NAME))
    for verb in (plans, autotune, partial(set_evaluation, evaluation="matrix")):
        with pytest.raises(SetupError, match="prepared, its evaluation is fixed; expected a network of `build`"):
            verb(prepared)
    with pytest.raises(SetupError, match="did you mean matrix"):
        set_evaluation(build("resnet18@32", device="meta"), "matrx")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_evaluations_are_equal_on_a_gpu(dtype):
    torch.manual_seed(0)
    network = build(NAME, device="cuda").eval()
    x = torch.randn(2, 3, 64, 64, device="cuda")
    with torch.no_grad():
        expected = network(x)
        for evaluation in [*candidates(), choose(next(lambda_layers(network))[1].layer_shape(2), "cuda")]:
            set_evaluation(network, evaluation)
            with torch.autocast("cuda", dtype, enabled=dtype != torch.float32):
                found = network(x).float()
            tolerance = 1e-3 if dtype == torch.float32 else 0.1
            assert (found - expected).abs().max() <= tolerance * expected.abs().max()
