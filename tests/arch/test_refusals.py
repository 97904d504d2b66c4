import pytest

from lambda_arch.arch import ArchitectureError, Block, Lambda, ResNet, parse


@pytest.mark.parametrize(
    ("text", "names", "expects"),
    [
        ("lambda_resnet51", "lambda_resnet51", "lambda_resnet50"),
        ("lamda_resnet101", "lamda_resnet101", "lambda_resnet101"),
        ("lambda_resnet50_hybird", "lambda_resnet50_hybird", "lambda_resnet50_hybrid"),
        ("", "empty name", "no such architecture"),
        ("lambda_resnet50:m=22", "m=22", "m=23"),
        ("lambda_resnet50:m=-3", "m=-3", "odd"),
        ("lambda_resnet50:m=0", "m=0", "odd"),
        ("lambda_resnet50:m=wide", "m=wide", "global"),
        ("lambda_resnet50:h=3", "h=3", "h=2"),
        ("lambda_resnet50:h=128", "h=128", "h=64"),
        ("lambda_resnet50:c5.h=5", "h=5", "c5"),
        ("lambda_resnet50:k=0", "k=0", "from 1"),
        ("lambda_resnet50:k=2.5", "k=2.5", "whole number"),
        ("lambda_resnet50:u=-1", "u=-1", "whole number"),
        ("lambda_resnet50:kk=3", "kk=3", "did you mean k?"),
        ("lambda_resnet50:stage=CCLL", "stage=CCLL", "did you mean stages?"),
        ("lambda_resnet50:k", "k", "option=value"),
        ("lambda_resnet50:k=8,,h=4", "empty option", "option=value"),
        ("lambda_resnet50:k=3,k=4", "k=4", "once"),
        ("lambda_resnet50:stages=CCL", "stages=CCL", "4 letters"),
        ("lambda_resnet50:stages=CCZL", "Z", "C (convolution)"),
        ("lambda_resnet50:stages=C-C-CCL-L", "CCL", "6"),
        ("lambda_resnet50:stages=C-C-7-L", "7", "at most 6"),
        ("lambda_resnet50:stages=C--C-L", "C--C-L", "nothing"),
        ("lambda_resnet50:stages=CCLL,c2.k=3", "c2.k=3", "no lambda layer"),
        ("lambda_resnet50:stages=C-C-CCLCCL-L,c4.1.k=3", "c4.1.k=3", "no lambda layer"),
        ("resnet50:k=8", "k=8", "no lambda layers"),
        ("mobilenet:k=8", "k=8", "no lambda layers"),
        ("resnet50:heads=4", "heads=4", "no G or X or S or A layers"),
        ("lambda_resnet50:c4.9.k=2", "c4.9.k=2", "from 1 to 6"),
        ("lambda_resnet50:c4.0.k=2", "c4.0.k=2", "from 1 to 6"),
        ("lambda_resnet50:c6.k=4", "c6.k=4", "c2 to c5"),
        ("lambda_resnet50:c4.x.k=4", "c4.x.k=4", "number of a block"),
        ("lambda_resnet50:c4.stem=rs", "c4.stem=rs", "whole network"),
        ("lambda_resnet50:stem=vgg", "stem=vgg", "7x7, deep, rs, tiered"),
        ("lambda_resnet50:pool=all", "pool=all", "strided, first, 2x2"),
        ("lambda_resnet50:activation=gelu", "activation=gelu", "relu, silu"),
        ("lambda_resnet50:stride=2", "stride=2", "yes or no"),
        ("lambda_resnet50:c4.stride=no", "c4.stride=no", "whole network"),
        ("lambda_resnet50:se=2", "se=2", "from 0"),
        ("lambda_resnet50:se=nan", "se=nan", "from 0"),
        ("lambda_resnet50:se=-0.1", "se=-0.1", "from 0"),
        ("lambda_resnet50:content=maybe", "content=maybe", "yes or no"),
        ("lambda_resnet50:content=no,position=no", "content=no", "one of them"),
        ("lambda_resnet50:key_norm=max", "key_norm=max", "softmax, l2, none"),
        ("lambda_resnet50:shared_embeddings=yes,c4.3.k=8", "shared_embeddings=yes", "c4"),
        ("lambda_resnet50:classes=0", "classes=0", "from 1"),
        ("lambda_resnet50@20", "20", "from 32"),
        ("lambda_resnet50@", "@", "image size"),
        ("lambda_resnet50@big", "@big", "image size"),
    ],
)  # fmt: skip
def test_what_cannot_be_built_is_refused_in_one_line(text, names, expects):
    with pytest.raises(ArchitectureError) as refusal:
        parse(text)
    message = str(refusal.value)
    assert names in message
    assert expects in message
    assert "\n" not in message


def test_values_made_by_hand_are_checked_too():
    with pytest.raises(ArchitectureError, match="3-4-6-3"):
        ResNet(50, ((Block(),),) * 4)
    with pytest.raises(ArchitectureError, match="depth=51"):
        ResNet(51, ())
    with pytest.raises(ArchitectureError, match="k=True"):
        Lambda(k=True)
    with pytest.raises(ArchitectureError, match="expected the name"):
        parse(50)
