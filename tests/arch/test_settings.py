"""Settings as arguments of Python functions: the same as in a name."""

import pytest

from lambda_arch import ArchitectureError, build, count, parse


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"k": 8}, "lambda_resnet50:k=8"),
        ({"k": 8, "stages": "CCLL", "image_size": 256}, "lambda_resnet50:k=8,stages=CCLL@256"),
        ({"m": "global", "lambda_bias": True}, "lambda_resnet50:m=global,lambda_bias=yes"),
        ({"c4.k": 8, "c4.3.m": 7}, "lambda_resnet50:c4.k=8,c4.3.m=7"),
        ({"se": 0.25}, "lambda_resnet50:se=0.25"),
    ],
)
def test_settings_are_those_of_a_name(settings, name):
    assert parse("lambda_resnet50", **settings) == parse(name)
    assert count("lambda_resnet50", **settings) == count(name)
    assert count(parse("lambda_resnet50"), **settings) == count(name)


def test_they_go_on_top_of_those_of_the_name():
    assert parse("lambda_resnet50:k=4,h=8@256", k=8) == parse("lambda_resnet50:k=8,h=8@256")
    assert parse("lambda_mobilenet_a6", k=8).layers == parse("lambda_mobilenet_a6").layers


@pytest.mark.slow
def test_networks_are_built_with_settings():
    network = build("lambda_resnet50", k=8, device="meta", batch_size=2)
    assert network.architecture == parse("lambda_resnet50:k=8")
    assert sum(parameter.numel() for parameter in network.parameters()) == count("lambda_resnet50", k=8).params


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kk": 8}, "kk=8: no such option"),
        ({"k": "eight"}, "k=eight: expected a whole number"),
        ({"h": 7}, "h=7"),
        ({"image_size": "big"}, "image_size='big': expected a whole number"),
        ({"image_size": True}, "image_size=True: expected a whole number"),
    ],
)
def test_wrong_settings_are_refused_in_one_line(settings, message):
    for verb in (parse, count, build):
        with pytest.raises(ArchitectureError, match=message) as raised:
            verb("lambda_resnet50", **settings)
        assert "\n" not in str(raised.value)
