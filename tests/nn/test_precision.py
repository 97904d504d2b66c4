"""Low precision stays finite, and as near as its digits allow, where float32 is finite; in training too."""

import pytest
import torch

from lambda_arch.nn import LambdaLayer, prepare
from lambda_arch.nn.evaluation import candidates

LOW = [torch.float16, torch.bfloat16]


def run(layer, x, dtype=None):
    x = x.clone().requires_grad_()
    layer.zero_grad()
    with torch.autocast("cpu", dtype, enabled=dtype is not None):
        y = layer(x)
    y.float().mean().backward()
    return {"output": y.detach().float(), "input": x.grad, **{n: p.grad.clone() for n, p in layer.named_parameters()}}


@pytest.mark.parametrize("evaluation", list(candidates()), ids=str)
@pytest.mark.parametrize("dtype", LOW)
@pytest.mark.parametrize("training", [True, False])
def test_autocast_is_finite_and_near_at_a_hundred_times_the_scale(evaluation, dtype, training):
    torch.manual_seed(0)
    layer = LambdaLayer(16, k=8, h=2, u=2, m=7, size=6, evaluation=evaluation).train(training)
    with torch.no_grad():  # large enough that float16 could not hold the outputs
        layer.queries.weight.mul_(4)
    x = 100 * torch.randn(4, 16, 6, 6)
    high, low = run(layer, x), run(layer, x, dtype)
    # softmaxed keys of this scale choose one position: half a digit more or less may choose another
    for name, expected in high.items():
        assert expected.isfinite().all()
        assert low[name].isfinite().all(), name
    if not training:
        assert high["output"].abs().max() > torch.finfo(torch.float16).max


@pytest.mark.parametrize("evaluation", list(candidates()), ids=str)
@pytest.mark.parametrize("dtype", LOW)
@pytest.mark.parametrize("scale", [1, 100])
def test_autocast_is_within_the_error_of_its_type(evaluation, dtype, scale):
    torch.manual_seed(0)
    layer = LambdaLayer(16, k=8, h=2, u=2, m=7, size=6, evaluation=evaluation).eval()
    with torch.no_grad():
        layer.keys.weight.div_(scale)  # or the softmax of the keys, a choice of one position, may choose another
    x = scale * torch.randn(4, 16, 6, 6)
    high, low = run(layer, x), run(layer, x, dtype)
    for name in ("output", "input", "queries.weight", "values.weight", "position.weight"):
        error = (low[name] - high[name]).norm() / high[name].norm()
        assert error < 4 * torch.finfo(dtype).eps, name


@pytest.mark.parametrize("evaluation", list(candidates()), ids=str)
@pytest.mark.parametrize("dtype", LOW)
def test_layers_of_low_precision_themselves_keep_their_type(evaluation, dtype):
    torch.manual_seed(0)
    layer = LambdaLayer(8, k=4, h=2, m=5, size=5, evaluation=evaluation).eval()
    x = torch.randn(2, 8, 5, 5)
    expected = layer(x)
    found = layer.to(dtype)(x.to(dtype))
    assert found.dtype == dtype
    assert (found.float() - expected).norm() / expected.norm() < 8 * torch.finfo(dtype).eps
    assert prepare(layer)(x.to(dtype)).dtype == dtype
