"""MobileNets and EfficientNets: published and measured parameters, and three counters that agree."""

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings

from lambda_arch.arch import ArchitectureError, parse
from lambda_arch.comparing import compare
from lambda_arch.costs import count, count_by_torch, count_many, verify
from tests.families import efficientnets, mobilenets

# sums over parameters() of LambdaMobileNetV1 of github.com/rajatsaini0294/lambda-mobilenets, run with
# lambda-networks 0.4.0 and its list of layer types set to each pattern
LAMBDA_MOBILENETS = {
    "CCCCCCCCCCCCCC": 3_309_476,
    "CCCCCCCC----LC": 1_844_204,
    "CCCCCCCCLCLCLC": 2_534_012,
    "CCCCCCCCL---C-": 1_248_492,
    "CCCCCCL-----C-": 806_892,
    "CCC-C-L-----C-": 719_980,
    "CLLCL-LLLLL-C-": 1_011_748,
    "CCLCC-L---CLC-": 1_077_244,
    "CCLLCLLL--C-LL": 980_828,
    "CLC-CCL---C-LL": 949_508,
    "CCL-CCCCC-LCCL": 2_045_564,
    "CLCLLCCC-LC-CL": 1_764_236,
}

# num_params in torchvision's metadata of its weights, which are ports of the official ones
EFFICIENTNETS = (5_288_548, 7_794_184, 9_109_994, 12_233_232, 19_341_616, 30_389_784, 43_040_704, 66_347_960)


@pytest.mark.parametrize(("layers", "params"), LAMBDA_MOBILENETS.items())
def test_mobilenets_have_the_parameters_of_lambda_mobilenets(layers, params):
    assert count(parse(f"lambda_mobilenet:layers={layers}")).params == params


@pytest.mark.parametrize(("number", "params"), list(enumerate(list(LAMBDA_MOBILENETS.values())[:6], 1)))
def test_the_zoo_has_a1_to_a6(number, params):
    assert count(parse(f"lambda_mobilenet_a{number}")).params == params


@pytest.mark.parametrize(("variant", "params"), list(enumerate(EFFICIENTNETS)))
def test_efficientnets_have_the_parameters_of_public_weights(variant, params):
    assert count(parse(f"efficientnet_b{variant}")).params == params


def test_b0_has_the_maps_of_its_paper():
    """Tan & Le 2019, table 1: output channels and resolution, stage by stage."""
    parts = count(parse("efficientnet_b0")).by_part()
    last = {part: [row for row in ledger.rows if row.kind == "norm"][-1].shape for part, ledger in parts.items()}
    assert last == {
        "stem": (1, 32, 112, 112),
        "stage1": (1, 16, 112, 112),
        "stage2": (1, 24, 56, 56),
        "stage3": (1, 40, 28, 28),
        "stage4": (1, 80, 14, 14),
        "stage5": (1, 112, 14, 14),
        "stage6": (1, 192, 7, 7),
        "stage7": (1, 320, 7, 7),
        "head": (1, 1280, 7, 7),
    }


def test_parts_are_in_the_networks_order_and_sum_up():
    ledger = count(parse("lambda_mobilenet_a5"))
    parts = ledger.by_part()
    layers = [f"layer{number}" for number in (1, 2, 3, 4, 5, 6, 12)]
    assert list(parts) == ["stem", *layers, "head"]
    for cost in ("params", "macs", "fvcore_flops", "activations"):
        assert sum(getattr(part, cost) for part in parts.values()) == getattr(ledger, cost)


def test_a_lambda_layer_does_not_stride():
    with_lambda, with_block = (count(parse(f"mobilenet:layers={layers}")).by_part()["layer7"].rows[0].shape[-1]
                               for layers in ("CCCCCCLCCCCCCC", "CCCCCCCCCCCCCC"))  # fmt: skip
    assert (with_lambda, with_block) == (8, 4)


def test_printed_figures():
    """Every printed figure is reproduced but those that no reading gives, which the table says."""
    differing = {
        (comparison.table.name, "/".join(row.published.cells[key] for key in comparison.table.keys[:1]), column)
        for comparison in (compare("efficientnet"), compare("mobilenet_cifar100"))
        for row in comparison.rows
        for column, verdict in row.verdicts.items()
        if verdict.ours is not None and verdict.verdict == "differs" and verdict.reason != "no reason known"
    }
    assert differing == {
        ("efficientnet", "B1", "flops"),
        ("efficientnet", "B2", "params"),
        ("efficientnet", "B4", "flops"),
        ("efficientnet", "B5", "flops"),
    }
    tallies = {
        name: tuple(compare(name).tally().values())  # agree, truncated, by one digit, differ, not buildable
        for name in ("efficientnet", "efficientnet_torchvision", "mobilenet_cifar100")
    }
    assert tallies == {
        "efficientnet": (11, 0, 1, 4, 0),
        "efficientnet_torchvision": (16, 0, 0, 0, 0),
        "mobilenet_cifar100": (2, 4, 0, 0, 0),
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "efficientnet_b0@65",
        pytest.param("efficientnet_b1@65", marks=pytest.mark.slow),
        pytest.param("efficientnet_b7@33", marks=pytest.mark.slow),  # wider and deeper: the same kinds of block
        "lambda_mobilenet_a1",
        "lambda_mobilenet_a6",
        "lambda_mobilenet:layers=CLLLLLLLLLLLLL,u=2@16",
    ],
)
def test_three_counters(name):
    assert verify(parse(name)).disagreements == ()


@pytest.mark.slow
@pytest.mark.parametrize("variant", [1, 4, pytest.param(7, marks=pytest.mark.slow)])
def test_torch_agrees_at_the_size_of_each_variant(variant):
    assert_torch_agrees(parse(f"efficientnet_b{variant}"))


@pytest.mark.slow
@hypothesis_settings(max_examples=8)
@given(mobilenets(max_size=33))
def test_random_mobilenets(architecture):
    assert verify(architecture).disagreements == ()


@pytest.mark.slow
@hypothesis_settings(max_examples=10)
@given(mobilenets(max_size=64) | efficientnets(variants=(0, 2)))
def test_random_architectures_on_meta(architecture):
    assert_torch_agrees(architecture)


def assert_torch_agrees(architecture):
    ours = [(row.path, row.kind, row.shape, row.params, row.macs) for row in count(architecture).rows]
    theirs = count_by_torch(architecture).ledger.rows
    assert ours == [(row.path, row.kind, row.shape, row.params, row.macs) for row in theirs]


def test_counting_many_is_for_resnets():
    with pytest.raises(ArchitectureError, match="efficientnet_b0: expected a ResNet"):
        count_many("efficientnet_b0", image_size=[224, 256])
