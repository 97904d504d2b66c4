"""Images a few at a time give what they give together."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from lambda_arch.nn import LambdaLayer, build, image_groups, prepare
from lambda_arch.nn.evaluation import Evaluation, candidates
from lambda_arch.nn.image_groups import InGroups, images_at_a_time

ALL = [*candidates(), *(Evaluation(order, recompute=True) for order in ("convolution", "fft", "queries_first"))]


@given(st.integers(0, 300), st.integers(1, 2**27))
def test_groups_are_even_and_within_the_limit(b, bytes_of_one):
    size = images_at_a_time(torch.empty(b, 1), bytes_of_one)
    assert size == 1 or size * bytes_of_one <= image_groups.LARGE
    fewest = max(1, -(-b // max(1, image_groups.LARGE // bytes_of_one)))
    assert -(-b // size) == fewest if b else size == 1
    assert not b or size * fewest - b < fewest  # no group is left with much less than the others


@pytest.mark.parametrize("evaluation", ALL, ids=str)
@pytest.mark.parametrize("content", [True, False])
def test_layers_in_groups_give_the_same_outputs_and_gradients(evaluation, content, monkeypatch):
    torch.manual_seed(0)
    layer = LambdaLayer(8, k=3, h=2, u=2, m=5, bias=True, content=content, evaluation=evaluation).double()
    x, cotangent = torch.randn(2, 5, 8, 6, 4, dtype=torch.float64)

    def outputs_and_gradients():
        images = x.clone().requires_grad_()
        layer.zero_grad()
        y = layer(images)
        y.backward(cotangent)
        return [y.detach(), images.grad, *(p.grad.clone() for p in layer.parameters())]

    together = outputs_and_gradients()
    monkeypatch.setattr(image_groups, "LARGE", 1)  # byte: an image at a time
    torch.testing.assert_close(outputs_and_gradients(), together, rtol=1e-12, atol=1e-12)


def test_prepared_networks_go_in_groups(monkeypatch):
    torch.manual_seed(0)
    prepared = prepare(build("lambda_resnet18:k=4@32"))
    sizes = []
    assert isinstance(prepared, InGroups)
    prepared.network.register_forward_hook(lambda _, args, __: sizes.append(len(args[0])))
    x = torch.randn(7, 3, 32, 32)
    with torch.no_grad():
        together = prepared(x)
        monkeypatch.setattr(image_groups, "LARGE", 3 * image_groups.LARGEST_MAP * 32 * 32)
        torch.testing.assert_close(prepared(x), together)
    assert sizes == [7, 3, 3, 1]


def test_prepared_networks_stay_in_evaluation_mode():
    torch.manual_seed(0)
    prepared = prepare(build("lambda_resnet18:k=4@32"))
    x = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        before = prepared(x)
        prepared.train()(x)
        torch.testing.assert_close(prepared(x), before)
    assert not any(module.training for module in prepared.modules())


def test_groups_take_no_image_too():
    network = InGroups(nn.Conv2d(3, 4, 1))
    assert network(torch.empty(0, 3, 8, 8)).shape == (0, 4, 8, 8)
