import pickle
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_arch.arch import FAMILIES, ArchitectureError, EfficientNet, Lambda, MobileNet, ResNet, all_named, parse
from lambda_arch.arch.efficientnet import scaled_width
from lambda_arch.arch.options import BY_NAME
from tests.families import efficientnets, mobilenets


@given(mobilenets() | efficientnets())
def test_a_name_is_the_architecture(architecture):
    assert parse(str(architecture)) == architecture
    assert str(parse(str(architecture))) == str(architecture)
    assert hash(parse(str(architecture))) == hash(architecture)
    assert pickle.loads(pickle.dumps(architecture)) == architecture


@given(mobilenets(), mobilenets())
def test_different_architectures_have_different_names(a, b):
    assert (a == b) == (str(a) == str(b))


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.kind.__name__)
def test_a_familys_names_are_its_own(family):
    assert set(family.options) <= set(BY_NAME)
    for name in family.names:
        assert type(family.base(name)) is family.kind
        assert parse(name) == family.base(name)


def test_every_option_belongs_to_a_family():
    assert {name for family in FAMILIES for name in family.options} == set(BY_NAME)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("mobilenet", "mobilenet"),
        ("lambda_mobilenet", "lambda_mobilenet:layers=CCCCCCL-----C-"),
        ("lambda_mobilenet_a1", "mobilenet"),
        ("lambda_mobilenet_a2", "lambda_mobilenet:layers=CCCCCCCC----LC"),
        ("lambda_mobilenet_a6", "lambda_mobilenet:layers=CCC-C-L-----C-"),
        ("lambda_mobilenet:layers=CCCCCCCCCCCCCC", "mobilenet"),
        ("mobilenet:layers=ccccccl-----c-@32", "lambda_mobilenet:layers=CCCCCCL-----C-"),
        ("mobilenet:layers=CCC-CCCCCCCCCC,classes=10@224", "mobilenet:layers=CCC-CCCCCCCCCC,classes=10@224"),
        ("lambda_mobilenet:k=16,m=global,lambda_bias=no",
         "lambda_mobilenet:layers=CCCCCCL-----C-,k=16,m=global,lambda_bias=no"),
        ("lambda_mobilenet:position=no,m=7", "lambda_mobilenet:layers=CCCCCCL-----C-,position=no"),
        ("efficientnet_b3", "efficientnet_b3"),
        ("efficientnet_b3@300", "efficientnet_b3"),
        ("efficientnet_b3@224", "efficientnet_b3@224"),
        ("efficientnet_b0:classes=10@32", "efficientnet_b0:classes=10@32"),
    ],
)  # fmt: skip
def test_canonical_names(text, canonical):
    assert str(parse(text)) == canonical


def test_what_a_family_is_without_being_told():
    assert parse("mobilenet") == MobileNet("CCCCCCCCCCCCCC", classes=100, image_size=32)
    assert parse("lambda_mobilenet").layer == Lambda(k=4, h=4, u=1, m=3, bias=True)
    sizes = [parse(f"efficientnet_b{variant}").image_size for variant in range(8)]
    assert sizes == [224, 240, 260, 300, 380, 456, 528, 600]
    assert parse("efficientnet_b5") == EfficientNet(5, 456, classes=1000)


def test_position_lambdas_switched_off_and_on_again_are_as_before():
    from lambda_arch.arch import configure, read_settings

    off = parse("lambda_mobilenet:position=no")
    assert configure(off, read_settings("position=yes")) == parse("lambda_mobilenet")


def test_all_named_architectures_are_of_three_families():
    entries = list(all_named())
    assert {type(parse(entry.name)) for entry in entries} == {ResNet, MobileNet, EfficientNet}
    assert len({entry.name for entry in entries}) == len(entries)
    for entry in entries:
        assert str(parse(entry.name)) == entry.canonical


@pytest.mark.parametrize(
    ("text", "names", "expects"),
    [
        ("efficientnet_b8", "efficientnet_b8", "did you mean efficientnet_b"),
        ("mobilnet", "mobilnet", "did you mean mobilenet?"),
        ("lambda_mobilenet_a7", "lambda_mobilenet_a7", "did you mean lambda_mobilenet_a"),
        ("efficientnet_b0:k=8", "k=8", "expected one of classes"),
        ("efficientnet_b0:layers=CCL", "layers=CCL", "expected one of classes"),
        ("efficientnet_b0:classes=0", "classes=0", "from 1"),
        ("efficientnet_b0@31", "31", "from 32"),
        ("efficientnet_b0@0", "0", "from 32"),
        ("resnet50:layers=CCL", "layers=CCL", "stages"),
        ("lambda_mobilenet:stages=CCLL", "stages=CCLL", "layers"),
        ("lambda_mobilenet:se=0.25", "se=0.25", "expected one of layers"),
        ("lambda_mobilenet:c4.k=8", "c4.k=8", "expected k=8"),
        ("lambda_mobilenet:c4.3.k=8", "c4.3.k=8", "expected k=8"),
        ("lambda_mobilenet:layers=CCL", "layers=CCL", "14 letters"),
        ("lambda_mobilenet:layers=CCCCCCL-----C-C", "CCCCCCL-----C-C", "it has 15"),
        ("lambda_mobilenet:layers=CCCCXCL-----C-", "X", "L (lambda layer)"),
        ("lambda_mobilenet:layers=LCCCCCL-----C-", "LCCCCC", "layer 0, the stem"),
        ("lambda_mobilenet:layers=-CCCCCL-----C-", "-CCCCC", "layer 0, the stem"),
        ("lambda_mobilenet:layers=C-CCCCL-----C-", "layer 1 ", "32 channels in and 64 out"),
        ("lambda_mobilenet:layers=CCCCCC------C-", "layer 6 ", "256 channels in and 512 out"),
        ("lambda_mobilenet:layers=CCCCCCL-------", "layer 12 ", "512 channels in and 1024 out"),
        ("lambda_mobilenet:h=3", "h=3", "h=2"),
        ("lambda_mobilenet:h=1024", "h=1024", "the 512 channels of layer 6, such as h=512"),
        ("lambda_mobilenet:m=4", "m=4", "m=5"),
        ("lambda_mobilenet:classes=-1", "classes=-1", "whole number"),
        ("lambda_mobilenet@15", "15", "from 16"),
    ],
)  # fmt: skip
def test_what_cannot_be_built_is_refused_in_one_line(text, names, expects):
    with pytest.raises(ArchitectureError) as refusal:
        parse(text)
    message = str(refusal.value)
    assert names in message
    assert expects in message
    assert "\n" not in message


@pytest.mark.parametrize("values", [{"variant": 8}, {"variant": -1}, {"classes": True}, {"image_size": 224.0}])
def test_values_that_are_no_efficientnet(values):
    with pytest.raises(ArchitectureError):
        EfficientNet(**{"variant": 0, "image_size": 224, **values})


@given(st.integers(1, 5000), st.fractions(1, 4, max_denominator=10))
def test_scaled_widths_are_multiples_of_8_and_never_a_tenth_too_small(channels, factor):
    scaled = scaled_width(channels, factor)
    assert scaled % 8 == 0
    assert 10 * scaled >= 9 * channels * factor
    assert abs(scaled - channels * factor) < 8


def test_a_file_names_any_family(tmp_path):
    from lambda_arch.arch import read_architecture

    path = tmp_path / "a.toml"
    path.write_text('name = "mobilenet"\nlayers = "CCCCCCL-----C-"\nk = 8\n')
    assert read_architecture(path) == parse("lambda_mobilenet:k=8")
    path.write_text('name = "efficientnet_b0"\nclasses = 10\nk = 8\n')
    with pytest.raises(ArchitectureError, match="line 3: k=8: no option of efficientnet_b0"):
        read_architecture(path)


def test_counting_them_loads_neither_torch_nor_numpy():
    code = (
        "import sys; from lambda_arch.costs import count; from lambda_arch.arch import parse; "
        "[count(parse(name)) for name in ('efficientnet_b0', 'lambda_mobilenet', 'resnet50')]; "
        "print([name for name in ('torch', 'numpy', 'pandas') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
