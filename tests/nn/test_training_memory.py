"""What training keeps for the backward pass: no more than the convolution form does, less with recomputed lambdas."""

import pytest
import torch
from torch import nn

from benchmarks.layer_memory import saved_bytes
from lambda_arch.nn import build, set_evaluation


def test_saved_bytes_are_those_of_a_network_known_by_hand():
    # the convolution keeps its input, and ReLU its output; the weights are not counted
    network = nn.Sequential(nn.Conv2d(3, 5, 3, padding=1), nn.ReLU()).to("meta")
    assert saved_bytes(network, 2, 8) == 4 * 2 * (3 + 5) * 8 * 8


@pytest.mark.slow
def test_evaluations_keep_no_more_than_the_convolution_form():
    kept = {}
    for name in ("canonical", "auto", "convolution/accumulate", "convolution/accumulate/recompute"):
        network = build("lambda_resnet50", device="meta").train()
        set_evaluation(network, name, 128, "cpu")
        kept[name] = saved_bytes(network, 128, 224)
    network = build("lambda_resnet50", device="meta").train()
    set_evaluation(network, "auto", 128, "cpu", training=True)
    assert saved_bytes(network, 128, 224) <= kept["canonical"]
    assert kept["auto"] <= kept["convolution/accumulate"] <= kept["canonical"]
    assert kept["convolution/accumulate/recompute"] < 0.8 * kept["convolution/accumulate"]


@pytest.mark.slow
def test_recomputing_gives_the_same_gradients():
    torch.manual_seed(0)
    network = build("lambda_resnet18:k=4,m=5@64", evaluation="convolution/accumulate")
    x = torch.randn(4, 3, 64, 64)
    gradients = []
    for name in ("convolution/accumulate", "convolution/accumulate/recompute"):
        set_evaluation(network, name)
        network.zero_grad()
        network(x).square().sum().backward()
        gradients.append([parameter.grad.clone() for parameter in network.parameters()])
    torch.testing.assert_close(*gradients)
