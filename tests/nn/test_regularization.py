import pytest
import torch

from lambda_arch import build, count
from lambda_arch.errors import SetupError
from lambda_arch.nn.regularization import regularize, residual_branches

NAMES = ["lambda_resnet26:classes=5,k=4,m=3@32", "resnet26:classes=5,se=0.25@32", "efficientnet_b0:classes=5@32"]


@pytest.mark.parametrize("name", NAMES)
def test_nothing_changes_but_the_training_pass(name):
    torch.manual_seed(0)
    network = build(name)
    names = list(network.state_dict())
    x = torch.randn(4, 3, 32, 32)
    before = network.eval()(x)
    regularize(network, drop=0.5, drop_path=0.5)
    assert list(network.state_dict()) == names
    assert sum(p.numel() for p in network.parameters()) == count(name).params
    assert torch.equal(network.eval()(x), before)
    first, second = network.train()(x), network(x)
    assert not torch.equal(first, second)


@pytest.mark.parametrize("name", NAMES)
def test_a_dropped_branch_leaves_the_shortcut(name):
    network = build(name)
    branches = list(residual_branches(network))
    regularize(network, drop_path=0.9)
    torch.manual_seed(1)
    last = branches[-1]
    seen = []
    last.register_forward_hook(lambda module, inputs, output: seen.append(output.flatten(1).abs().sum(1)))
    for norm in network.modules():
        if isinstance(norm, torch.nn.BatchNorm2d):
            torch.nn.init.ones_(norm.weight)  # branches start at zero
    network.train()(torch.randn(64, 3, 32, 32))
    kept = seen[0] > 0
    assert 0 < kept.sum() < 32  # about 0.1 of 64


def test_kept_branches_are_scaled_up_and_rates_rise_with_depth():
    network = build("resnet26:classes=5@32")
    branches = list(residual_branches(network))
    assert len(branches) == 8
    regularize(network, drop_path=0.7)
    rates = []
    for branch in branches:
        hooks = list(branch._forward_hooks.values())
        rates.append(hooks[0].rate if hooks else 0.0)
        if hooks:
            out = hooks[0](branch.train(), None, torch.ones(4000, 1, 1, 1))
            values = out.flatten().unique().tolist()
            assert values == pytest.approx([0, 1 / (1 - rates[-1])])
            assert float(out.mean()) == pytest.approx(1, abs=0.15)
    assert rates == pytest.approx([0.7 * i / 7 for i in range(8)])


def test_a_network_without_residual_blocks_is_refused():
    with pytest.raises(SetupError, match=r"drop_path=0.1: lambda_mobilenet.* no residual blocks; expected drop_path=0"):
        regularize(build("lambda_mobilenet:classes=5@32"), drop_path=0.1)
