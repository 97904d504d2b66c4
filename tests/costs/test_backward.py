"""The multiply-accumulates of the backward pass, against torch's counter on the network run backward."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from lambda_arch import count, count_many
from lambda_arch.arch import all_named, configure, parse, read_settings
from lambda_arch.costs import torch_counter, verify
from lambda_arch.errors import SetupError
from lambda_arch.nn import build
from tests.families import efficientnets, mobilenets
from tests.networks import every_resnet
from tests.strategies import resnets

FEW = hypothesis_settings(max_examples=3)


def test_lambda_resnet50_has_the_flops_of_torchs_counter():
    """39,217,004,544 is what FlopCounterMode prints for a forward and backward pass, without our handler."""
    forward, step = count("lambda_resnet50"), count("lambda_resnet50", mode="train")
    assert step.flops == 39_217_004_544
    assert round(step.flops / forward.flops, 4) == 2.9821
    (first, *others) = step.rows
    assert first.backward_macs == count("lambda_resnet50").rows[0].macs  # the images need no gradient
    assert all(row.backward_macs * 3 == row.macs * 2 for row in others)
    assert step.macs - step.backward_macs == forward.macs


@pytest.mark.parametrize(
    "name",
    [
        "lambda_resnet18@32",
        "resnet18:stages=GXSA,c2.heads=4,c5.downsample=yes@40",
        "mobilenet:layers=CCL-C-CC----CC@33",
        "efficientnet_b0@32",
        "lambda_resnet18:shared_embeddings=yes,m=global,u=2,se=0.25,stem=rs@48",
    ],
)
def test_torchs_counter_agrees_row_by_row(name):
    verified = verify(parse(name), mode="train")
    assert [other.name for other in verified.others] == ["torch"]
    assert verified.others[0].macs == verified.ledger.macs > 0
    assert verified.disagreements == ()


class Sum(TorchDispatchMode):
    """Adds up torch's own formulas; without its tracker of modules it takes a third of the time."""

    def __init__(self):
        super().__init__()
        self.formulas = torch_counter._flop_counter().flop_registry
        self.flops = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        if func._overloadpacket in self.formulas:
            self.flops += self.formulas[func._overloadpacket](*args, **(kwargs or {}), out_val=out)
        return out


def flops_by_torch(architecture):
    """The FLOPs of a whole forward and backward pass."""
    network = build(architecture, device="meta").eval()
    size = architecture.image_size
    with Sum() as counter:
        network(torch.zeros(1, 3, size, size, device="meta")).sum().backward()
    return counter.flops


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_every_named_architecture(part):
    """The total, which is quicker; random architectures are compared row by row."""
    others = [parse(entry.name) for entry in all_named() if "resnet" not in entry.name]
    for architecture in [*every_resnet(), *others][part::4]:
        assert count(architecture, mode="train").flops == flops_by_torch(architecture), str(architecture)


@pytest.mark.slow
@FEW
@given(resnets(depths=(18,), max_size=64, small=True))
def test_random_resnets(architecture):
    assert verify(architecture, mode="train").disagreements == ()


@pytest.mark.slow
@FEW
@given(
    stages=st.text("CLGXSAD", min_size=4, max_size=4),
    size=st.integers(32, 64),
    heads=st.sampled_from([1, 2, 4, 8]),
    extent=st.sampled_from([1, 3, 7]),
    downsample=st.sampled_from(["yes", "no"]),
    stem=st.sampled_from(["7x7", "deep", "rs", "tiered"]),
    se=st.sampled_from([0, 0.25]),
)
def test_random_attention_layers(stages, size, heads, extent, downsample, stem, se):
    options = {"G": ["heads"], "X": ["heads"], "S": ["heads", "extent"], "A": ["heads", "downsample"]}
    values = {"heads": heads, "extent": extent, "downsample": downsample}
    taken = sorted({name for letter in stages for name in options.get(letter, [])})
    settings = ",".join([f"stages={stages},stem={stem},se={se}", *(f"{name}={values[name]}" for name in taken)])
    architecture = configure(parse("resnet18"), read_settings(settings), size)
    assert verify(architecture, mode="train").disagreements == ()


@pytest.mark.slow
@FEW
@given(st.one_of(mobilenets(max_size=64), efficientnets(variants=(0, 1, 2), max_size=96)))
def test_random_mobilenets_and_efficientnets(architecture):
    assert verify(architecture, mode="train").disagreements == ()


def test_torch_itself_multiplies_the_weights_of_grouped_convolutions_by_their_groups():
    """Our handler divides them again; when this fails, torch is mended and the handler can go."""
    convolution = torch.nn.Conv2d(8, 8, 3, groups=8, bias=False, device="meta")
    x = torch.zeros(1, 8, 10, 10, device="meta", requires_grad=True)
    with FlopCounterMode(display=False) as forward:
        outputs = convolution(x)
    with FlopCounterMode(display=False) as backward:
        outputs.sum().backward()
    assert backward.get_total_flops() == (1 + 8) * forward.get_total_flops()


def test_gradients_of_grouped_convolutions_take_as_much_as_the_forward_pass():
    """Each of the 9 * n products of a channel's kernel is in the gradient of its weights once."""
    network = build("mobilenet@32", device="meta")
    rows = {row.path: row for row in count("mobilenet@32", mode="train").rows}
    weight = network.get_submodule("layer1.depthwise.conv").weight
    assert rows["layer1.depthwise.conv"].backward_macs == 2 * weight.numel() * 32 * 32


def test_many_at_once_are_counted_alike():
    arguments = {"k": [4, 16], "m": [7, 0], "stages": ["CLLL", "LLCL"], "image_size": [64, 96]}
    counts = count_many("lambda_resnet50:stem=rs", **{name: np.array(value) for name, value in arguments.items()},
                        mode="train")  # fmt: skip
    names = ["stages=CLLL,k=4,m=7@64", "stages=LLCL,k=16,m=global@96"]
    for i, name in enumerate(names):
        ledger = count(f"lambda_resnet50:stem=rs,{name}", mode="train")
        assert (counts.macs[i], counts.params[i]) == (ledger.macs, ledger.params)


def test_another_mode_is_refused():
    with pytest.raises(SetupError, match=r"mode=trian: expected inference or train \(did you mean train\?\)"):
        count("resnet50", mode="trian")
    with pytest.raises(SetupError, match="mode=both"):
        count_many(mode="both")
