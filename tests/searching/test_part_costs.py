"""Costs of parts add up to those of the network, whatever its settings; costs of one architecture are its own."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from lambda_arch import DataError, LambdaArchError, count, parse
from lambda_arch.arch import BLOCKS, Block, Lambda, ResNet
from lambda_arch.costs.peak import peak_memory
from lambda_arch.searching.accuracy import published_model
from lambda_arch.searching.latency import Latency
from lambda_arch.searching.metrics import METRICS
from lambda_arch.searching.part_costs import Costs
from lambda_arch.searching.search_space import Column, Product, Slot
from tests.strategies import resnets

COUNTED = Costs(tuple(METRICS[name] for name in ("params", "macs", "flops", "memory")))


def product_of(architecture: ResNet) -> Product:
    """The product that holds one architecture: a slot per block, of one option."""
    blocks = {(i, j): block for i, stage in enumerate(architecture.stages) for j, block in enumerate(stage)}
    zero = np.zeros(1, np.int32)
    slots = tuple(Slot((Column((place,), (block,), zero),)) for place, block in blocks.items())
    lambdas = tuple((Block(Lambda()),) * n for n in BLOCKS[architecture.depth])
    return Product(replace(architecture, stages=lambdas), slots)


def counted(architecture: ResNet) -> list[int]:
    ledger = count(architecture)
    return [ledger.params, ledger.macs, ledger.flops, peak_memory(architecture)]


@settings(max_examples=60)
@given(resnets(depths=(18, 26, 50), max_size=100))
def test_parts_add_up_to_the_network(architecture: ResNet) -> None:
    assert COUNTED.of(architecture).tolist() == counted(architecture)
    if architecture.shared_embeddings:
        with pytest.raises(DataError, match="shared_embeddings=yes: "):
            product_of(architecture)
        return
    product = product_of(architecture)
    assert product.architecture([0] * len(product.slots)) == architecture
    totals = COUNTED.fixed(product)
    for slot in product.slots:
        totals = COUNTED.combine(totals, COUNTED.slot(product, slot)[0])
    assert totals.tolist() == counted(architecture)


@pytest.mark.parametrize(
    ("name", "macs"),
    [
        ("resnet50", 4_089_184_256),
        ("resnet50:stride=no", 73_645_000_000),
        ("lambda_resnet50:shared_embeddings=yes", None),
    ],
)
def test_settings_of_the_network_are_not_lost(name: str, macs: int | None) -> None:
    (found,) = Costs((METRICS["macs"],)).of(parse(name))
    assert found == count(name).macs
    assert macs is None or found == pytest.approx(macs, rel=1e-5)


@pytest.mark.parametrize(
    "name", ["lambda_resnet50:stages=CCGG", "resnet50:stages=CCAD", "lambda_mobilenet", "efficientnet_b0"]
)
def test_other_layers_and_families_are_counted_or_refused(name: str) -> None:
    architecture = parse(name)
    params, macs = Costs((METRICS["params"], METRICS["macs"])).of(architecture)
    assert (params, macs) == (count(name).params, count(name).macs)
    with pytest.raises(LambdaArchError, match="memory is known"):
        COUNTED.of(architecture)


def test_accuracy_is_predicted_for_resnets_alone() -> None:
    costs = Costs((METRICS["top1"],), published_model())
    unusual = parse("lambda_resnet50:stride=no")
    assert costs.of(unusual) == [published_model().predict(unusual).top1]
    assert published_model().predict(unusual).extrapolated
    with pytest.raises(LambdaArchError, match=r"lambda_mobilenet.*: expected a ResNet"):
        costs.of(parse("lambda_mobilenet"))


def test_latency_is_that_of_the_parts() -> None:
    costs = Costs((METRICS["latency"],), latency=Latency(lambda part: 1e-3 * part.stride))
    assert costs.of(parse("resnet50")) == pytest.approx(1e-3 * (4 + 16 + 3 + 1))
    assert costs.of(parse("resnet50:stride=no")) == pytest.approx(1e-3 * (4 + 16 + 1))
