"""Architectures with comparison layers: round trips, settings, and what cannot be built."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_arch.arch import (
    BLOCKS,
    LAYERS,
    WIDTHS,
    ArchitectureError,
    AugmentedConvolution,
    AxialAttention,
    Block,
    Convolution,
    DoubleAttention,
    GlobalAttention,
    Lambda,
    LocalAttention,
    ResNet,
    parse,
)
from lambda_arch.arch.options import OPTIONS

heads = st.sampled_from([1, 2, 4, 8, 16])
layers = st.one_of(
    st.just(Convolution()),
    st.builds(Lambda, k=st.sampled_from([8, 16]), h=st.sampled_from([2, 4]), m=st.sampled_from([7, 23, "global"])),
    st.builds(GlobalAttention, heads=heads),
    st.builds(AxialAttention, heads=heads),
    st.builds(LocalAttention, heads=heads, extent=st.sampled_from([1, 3, 7, 11])),
    st.builds(
        AugmentedConvolution,
        heads=st.sampled_from([1, 2, 4, 8]),
        kappa=st.sampled_from([0.1, 0.2, 0.25]),
        upsilon=st.sampled_from([0.1, 0.2, 0.25]),
        downsample=st.booleans(),
    ),
    st.builds(DoubleAttention, reduction=st.sampled_from([1, 2, 4])),
)
blocks = st.builds(Block, layers, st.sampled_from([0.0, 0.25]))


@st.composite
def resnets(draw):
    depth = draw(st.sampled_from([18, 26, 50]))
    stages = tuple(tuple(draw(blocks) for _ in range(n)) for n in BLOCKS[depth])
    return ResNet(depth, stages, image_size=draw(st.sampled_from([64, 224])))


@given(resnets())
def test_round_trip(architecture):
    assert parse(str(architecture)) == architecture
    assert str(parse(str(architecture))) == str(architecture)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("resnet50:stages=GGGG", "resnet50:stages=GGGG"),
        ("lambda_resnet50:stages=ssss", "resnet50:stages=SSSS"),
        ("resnet50:stages=CCGL", "lambda_resnet50:stages=CCGL"),
        ("resnet50:heads=4,stages=CCXX", "resnet50:stages=CCXX,heads=4"),
        ("resnet50:stages=CCXX,heads=8", "resnet50:stages=CCXX"),
        ("resnet50:stages=C-CDCD-CDCDCD-C", "resnet50:stages=C-CDCD-CDCDCD-C"),
        (
            "resnet50:stages=CAAA,c3.downsample=yes,c4.2.kappa=0.3",
            "resnet50:stages=CAAA,c3.downsample=yes,c4.2.kappa=0.3",
        ),
        ("resnet18:stages=C-C-C-CL", "lambda_resnet18:stages=C-C-C-CL"),
    ],
)
def test_canonical_name(text, canonical):
    assert str(parse(text)) == canonical


def test_one_setting_reaches_every_layer_that_has_it_and_no_other():
    architecture = parse("lambda_resnet50:stages=GXSL,heads=4,extent=9,h=2")
    g, x, s, lam = (stage[0].layer for stage in architecture.stages)
    assert (g.heads, x.heads, s.heads, s.extent, lam.h) == (4, 4, 4, 9, 2)


def test_options_have_one_default_for_all_their_layers():
    for option in OPTIONS:
        assert len({getattr(LAYERS[letter](), option.field) for letter in option.letters}) <= 1


@pytest.mark.parametrize("width", WIDTHS)
def test_depths_of_the_augmented_convolution(width):
    keys, values = AugmentedConvolution().depths(width)
    assert keys == 160  # 20 a head, more than a fifth of any width here
    assert values == {64: 8, 128: 8, 256: 24, 512: 48}[width]  # a tenth, in whole channels for each of eight heads


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("resnet50:stages=CCCQ", "expected C (convolution), L (lambda) or a comparison layer (G, X, S, A, D)"),
        ("resnet50:stages=GGGG,heads=7", "heads=7: expected heads that divide the 64 channels of c2, such as heads=8"),
        ("resnet50:stages=XXXX,heads=64", "half the 64 channels of c2, such as heads=32"),
        ("resnet50:stages=SCCC,heads=64", "half the 64 channels of c2, such as heads=32"),
        ("resnet50:stages=CCGG,heads=0", "heads=0: expected a whole number from 1"),
        ("resnet50:stages=SSSS,extent=4", "extent=4: expected an odd spatial extent, such as extent=5"),
        ("resnet50:stages=CAAA,kappa=1", "kappa=1: expected a ratio between 0 and 1"),
        ("resnet50:stages=ACCC,upsilon=0.99,heads=64", "fewer than the 64 channels of c2"),
        ("resnet50:stages=CDCC,reduction=3", "reduction=3: expected a divisor of the 512 channels of c3"),
        ("resnet50:stages=CCGG,c2.heads=4", "c2.heads=4: c2 has no such layer; expected G or X or S or A there"),
        ("lambda_resnet50:c3.downsample=yes", "c3 has no such layer; expected A there in stages"),
        ("resnet50:stages=CCGG,head=4", "did you mean heads"),
    ],
)
def test_bad_input_is_one_clear_line(text, message):
    with pytest.raises(ArchitectureError) as error:
        parse(text)
    assert message in str(error.value)
    assert "\n" not in str(error.value)
