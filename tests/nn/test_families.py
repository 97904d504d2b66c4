import io
import math

import pytest
import torch
from lambda_networks import LambdaLayer as ReferenceLayer
from torch import nn

from lambda_arch.arch import parse
from lambda_arch.nn import build
from lambda_arch.nn.efficientnet import MBConv


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "mobilenet",
        *(f"lambda_mobilenet_a{number}" for number in range(2, 7)),
        "lambda_mobilenet:layers=CLCLLCCC-LC-CL,m=global",
        "efficientnet_b0:classes=100@64",
        "efficientnet_b2:classes=100@33",
    ],
)
def test_forward_backward_and_state_dict(name):
    torch.manual_seed(0)
    network = build(name)
    size = network.architecture.image_size
    x = torch.randn(2, 3, size, size)
    logits = network(x)
    assert logits.shape == (2, 100)
    logits.square().sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())
    assert all(parameter.grad.isfinite().all() for parameter in network.parameters())

    file = io.BytesIO()
    torch.save(network.state_dict(), file)
    file.seek(0)
    twin = build(name)
    twin.load_state_dict(torch.load(file, weights_only=True))
    torch.testing.assert_close(twin.eval()(x), network.eval()(x))


def test_modules_are_at_the_paths_of_the_parts():
    for name in ("resnet18", "lambda_mobilenet", "efficientnet_b1"):
        network = build(name, device="meta")
        for part in network.architecture.parts():
            assert network.get_submodule(part.path) is not None
        assert [name for name, _ in network.named_children()] == list(
            dict.fromkeys(part.path.partition(".")[0] for part in network.architecture.parts())
        )


def test_the_lambda_layer_is_that_of_lambda_networks():
    """Layer 6 of A5, whose channels change, gives what the layer of the original code gives."""
    torch.manual_seed(0)
    ours = build("lambda_mobilenet_a5").get_submodule("layer6")
    theirs = ReferenceLayer(dim=256, dim_out=512, r=3, dim_k=4, heads=4, dim_u=1)
    names = {"queries": "to_q", "keys": "to_k", "values": "to_v", "query_norm": "norm_q", "value_norm": "norm_v"}
    state = theirs.state_dict()
    for name, original in names.items():
        part = {key.partition(".")[2]: value for key, value in state.items() if key.startswith(f"{original}.")}
        ours.get_submodule(name).load_state_dict(part)
    ours.position.load_state_dict({"weight": state["pos_conv.weight"].squeeze(2), "bias": state["pos_conv.bias"]})
    x = torch.randn(2, 256, 8, 8)
    torch.testing.assert_close(ours(x), theirs(x))


def test_removed_layers_are_absent_and_others_keep_their_numbers():
    names = [name for name, _ in build("lambda_mobilenet_a6", device="meta").named_children()]
    assert names == ["stem", "layer1", "layer2", "layer4", "layer6", "layer12", "head"]


def test_blocks_add_their_input_only_where_shapes_agree():
    network = build("efficientnet_b1", device="meta")
    for stage in range(1, 8):
        blocks = list(network.get_submodule(f"stage{stage}"))
        assert all(isinstance(block, MBConv) for block in blocks)
        assert [block.shortcut for block in blocks] == [False] + [True] * (len(blocks) - 1)


def test_a_block_is_its_input_plus_its_projection():
    torch.manual_seed(0)
    block = build("efficientnet_b0").get_submodule("stage2.2").eval()
    x = torch.randn(1, 24, 8, 8)
    nn.init.zeros_(block.project.norm.weight)
    torch.testing.assert_close(block(x), x)


def test_norms_and_initial_weights_are_the_official_ones():
    torch.manual_seed(0)
    network = build("efficientnet_b0")
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    assert {(norm.eps, norm.momentum) for norm in norms} == {(1e-3, 0.01)}
    depthwise = network.get_submodule("stage6.2.depthwise.conv").weight  # 1152 x 5 x 5: its fan out is 25
    assert depthwise.std().item() == pytest.approx(math.sqrt(2 / 25), rel=0.02)
    pointwise = network.get_submodule("head.expand.conv").weight
    assert pointwise.std().item() == pytest.approx(math.sqrt(2 / 1280), rel=0.02)


def test_image_sizes_other_than_the_named_one_run():
    network = build("efficientnet_b0:classes=10", device="meta").eval()
    assert network(torch.zeros(1, 3, 100, 131, device="meta")).shape == (1, 10)
    local, everywhere = (build(f"lambda_mobilenet{m}").eval() for m in ("", ":m=global"))
    assert local(torch.zeros(1, 3, 48, 48)).shape == (1, 100)
    with pytest.raises(ValueError, match="12x12: expected a map of at most 8x8"):
        everywhere(torch.zeros(1, 3, 48, 48))


def test_names_are_what_their_architecture_says():
    network = build("lambda_mobilenet:k=8@40")
    assert network.architecture == parse("lambda_mobilenet:k=8@40")
