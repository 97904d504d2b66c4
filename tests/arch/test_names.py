import pickle

import pytest
from hypothesis import example, given

from lambda_arch.arch import BLOCKS, Block, Convolution, Lambda, ResNet, all_named, parse
from tests.strategies import resnets


@given(resnets())
def test_parsing_a_name_gives_the_architecture_back(architecture):
    assert parse(str(architecture)) == architecture


@given(resnets())
def test_a_name_is_canonical(architecture):
    assert str(parse(str(architecture))) == str(architecture)
    assert pickle.loads(pickle.dumps(architecture)) == architecture


@pytest.mark.parametrize("entry", list(all_named()), ids=lambda entry: entry.name)
def test_named_architectures_round_trip(entry):
    architecture = parse(entry.name)
    assert parse(str(architecture)) == architecture
    assert str(architecture) == entry.canonical


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("lambda_resnet50", "lambda_resnet50"),
        ("lambda_resnet50:k=8,h=8,u=4,m=7", "lambda_resnet50:k=8,h=8,u=4,m=7"),
        ("lambda_resnet152:stages=CCLL,se=0.25@256", "lambda_resnet152:stages=CCLL,se=0.25@256"),
        ("lambda_resnet50:stages=C-C-CCLCCL-L", "lambda_resnet50:stages=C-C-CCLCCL-L"),
        ("lambda_resnet50:stages=CCC-CCCC-CCLCCL-LLL", "lambda_resnet50:stages=C-C-CCLCCL-L"),
        ("lambda_resnet50:stages=CCCCCCCCCLCCLLLL", "lambda_resnet50:stages=C-C-CCLCCL-L"),
        ("lambda_resnet50:stages=ccll", "lambda_resnet50:stages=CCLL"),
        ("lambda_resnet50:stages=CCCC", "resnet50"),
        ("resnet50:stages=LLLL", "lambda_resnet50"),
        ("lambda_resnet50:k=16,h=4,u=1,m=23@224", "lambda_resnet50"),
        (" lambda_resnet50 : k = 8 , m = global @64", "lambda_resnet50:k=8,m=global@64"),
        ("lambda_resnet50:c2.k=8,c3.k=8,c4.k=8", "lambda_resnet50:k=8,c5.k=16"),
        ("lambda_resnet50:c4.3.m=7,c4.k=8", "lambda_resnet50:c4.k=8,c4.3.m=7"),
        ("lambda_resnet50:position=no,m=7", "lambda_resnet50:position=no"),
        ("lambda_resnet101_hybrid:m=7@192", "lambda_resnet101:stages=C-C-3-L,stem=rs,m=7,c2.se=0.25,c3.se=0.25@192"),
        ("lambda_resnet50:pool=first,stride=no", "lambda_resnet50:stride=no,pool=first"),
        ("lambda_resnet50:pool=first,stages=CLLL", "lambda_resnet50:stages=CLLL"),  # no pool more than without
        ("lambda_resnet50:stages=CLLL,pool=first,stride=no", "lambda_resnet50:stages=CLLL,stride=no,pool=first"),
        ("resnet50:pool=first", "resnet50"),
        ("lambda_resnet50:pool=2x2,stride=no", "lambda_resnet50:stride=no"),  # no block strides
        ("lambda_resnet50:pool=2x2,stages=LCCC", "lambda_resnet50:stages=LCCC"),
        ("lambda_resnet50:stages=CCCL,activation=silu,pool=2x2",
         "lambda_resnet50:stages=CCCL,pool=2x2,activation=silu"),
        ("timm_lambda_resnet26t@224", "lambda_resnet26:stages=C-C-CL-L,stem=tiered,pool=2x2,m=9,lambda_bias=yes"),
        ("timm_lambda_resnet50ts",
         "lambda_resnet50:stages=C-CCCL-3-1,stem=tiered,activation=silu,m=9,lambda_bias=yes@256"),
        ("leaderj1001_lambda_resnet50", "lambda_resnet50:pool=first,shortcut_bias=yes"),
    ],
)  # fmt: skip
def test_canonical_names(text, canonical):
    assert str(parse(text)) == canonical


def test_settings_apply_from_the_whole_to_the_single_block_in_any_order():
    a = parse("lambda_resnet50:c4.3.k=2,c4.k=4,k=8")
    ks = [[block.layer.k for block in stage] for stage in a.stages]
    assert ks == [[8] * 3, [8] * 4, [4, 4, 2, 4, 4, 4], [8] * 3]


def test_new_lambda_layers_take_the_most_common_settings():
    from lambda_arch.arch import configure, read_settings

    base = parse("lambda_resnet50:stages=CCLL,k=8,m=7")
    assert str(configure(base, read_settings("stages=LLLL"))) == "lambda_resnet50:k=8,m=7"


def test_every_depth_has_both_base_names():
    for depth, blocks in BLOCKS.items():
        assert parse(f"resnet{depth}").stages == tuple((Block(Convolution()),) * n for n in blocks)
        assert parse(f"lambda_resnet{depth}").stages == tuple((Block(Lambda()),) * n for n in blocks)


@example(
    ResNet(18, ((Block(Lambda(h=1)),) * 2, (Block(),) * 2, (Block(se=1.0),) * 2, (Block(Lambda(m="global")),) * 2))
)
@given(resnets(depths=(18,)))
def test_architectures_are_values(architecture):
    twin = parse(str(architecture))
    assert hash(twin) == hash(architecture)
    assert len({twin, architecture}) == 1
