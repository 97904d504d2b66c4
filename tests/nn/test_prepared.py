"""Networks prepared for inference compute what they did before."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from lambda_arch.nn import LambdaLayer, build, prepare
from lambda_arch.nn.evaluation import candidates
from lambda_arch.nn.prepared import PointwiseProduct


def shaken(network):
    """Give every batch norm statistics and scales of its own."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.5, 1.5)
            nn.init.uniform_(module.weight, 0.3, 0.7)
            nn.init.normal_(module.bias, 0, 0.2)
    return network.eval()


def relative_error(found, expected):
    return ((found - expected).abs().max() / expected.abs().max()).item()


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "lambda_resnet18:k=4@64",
        "resnet18:stem=rs,se=0.25@64",
        "lambda_resnet18:stages=CLLL,u=2,m=7,lambda_bias=yes,shortcut_bias=yes,stem=deep@64",
        "lambda_resnet18:m=global,k=4,c4.content=no,c5.position=no@64",
    ],
)
def test_prepared_networks_give_the_same_logits(name):
    torch.manual_seed(0)
    network = shaken(build(name))
    state = copy.deepcopy(network.state_dict())
    prepared = prepare(network, batch_size=2)
    assert not any(isinstance(m, nn.BatchNorm2d) for m in prepared.network.stem.modules())
    folded = sum(isinstance(m, nn.BatchNorm2d) for m in prepared.modules())
    lambdas = sum(isinstance(m, LambdaLayer) for m in network.modules())
    assert folded == lambdas  # only the norms after lambda layers, which no convolution can take in, are left
    assert not any(isinstance(m, LambdaLayer) for m in prepared.modules())
    with torch.no_grad():
        for size in (64, 48) if "global" in name else (64, 48, 80):  # other sizes than it was built for work too
            x = torch.randn(2, 3, size, size)
            assert relative_error(prepared(x), network(x)) < 1e-4
    torch.testing.assert_close(network.state_dict(), state, rtol=0, atol=0)  # the network itself is as it was


@pytest.mark.parametrize("evaluation", [e for e in candidates() if e.order != "canonical"], ids=str)
@pytest.mark.parametrize("m", [5, "global"])
def test_prepared_layers_keep_their_evaluation(evaluation, m):
    torch.manual_seed(0)
    layer = shaken(LambdaLayer(16, k=3, h=2, u=2, m=m, size=(5, 4), bias=True, evaluation=evaluation).double())
    prepared = prepare(layer)
    assert prepared.evaluation == evaluation
    assert (prepared.maps is None) == (evaluation.order == "convolution")
    for height, width in ((5, 4), (3, 4)):
        x = torch.randn(3, 16, height, width, dtype=torch.float64)
        torch.testing.assert_close(prepared(x), layer(x), rtol=1e-9, atol=1e-9)


def test_prepared_global_layers_refuse_larger_maps_too():
    with pytest.raises(ValueError, match="at most 4x4"):
        prepare(LambdaLayer(8, k=2, h=2, m="global", size=4))(torch.zeros(1, 8, 5, 5))


@settings(max_examples=20)
@given(st.integers(1, 6), st.integers(1, 9), st.integers(1, 9), st.integers(1, 3), st.booleans())
def test_pointwise_products_are_convolutions(b, height, width, stride, bias):
    conv = nn.Conv2d(5, 6, 1, stride, bias=bias).double()
    x = torch.randn(b, 5, height, width, dtype=torch.float64)
    torch.testing.assert_close(PointwiseProduct(conv)(x), conv(x))


@pytest.mark.slow
def test_compiled_networks_give_the_same_logits():
    torch.manual_seed(0)
    network = shaken(build("lambda_resnet18:k=2,m=3,stages=CCCL@32"))
    x = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        expected = network(x)
        for module in (prepare(network, batch_size=2), network):
            compiled = torch.compile(module, backend="aot_eager", fullgraph=True)
            assert relative_error(compiled(x), expected) < 1e-4


@pytest.mark.slow
def test_layers_train_under_compile_whole():
    torch.manual_seed(0)
    layer = LambdaLayer(8, k=3, h=2, m=5, size=4, evaluation="convolution/accumulate")
    plain = copy.deepcopy(layer)
    compiled = torch.compile(layer, backend="aot_eager", fullgraph=True)
    for b in (1, 2):
        x = torch.randn(b, 8, 4, 4)
        layer.zero_grad()
        plain.zero_grad()
        compiled(x).square().sum().backward()
        plain(x).square().sum().backward()
        for mine, theirs in zip(layer.parameters(), plain.parameters(), strict=True):
            torch.testing.assert_close(mine.grad, theirs.grad, rtol=1e-3, atol=1e-4)
