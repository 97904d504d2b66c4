"""The walk over a network: its parts fit together, and arrays of image sizes give what each size gives."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_arch.arch import Block, Convolution, Lambda, parse, with_block
from tests.families import efficientnets, mobilenets
from tests.strategies import resnets


@given(resnets(depths=(18, 50)) | mobilenets() | efficientnets(variants=(0, 3)))
def test_each_part_takes_what_the_one_before_gives(architecture):
    parts = list(architecture.parts())
    assert (parts[0].path, parts[0].dim, parts[0].size) == ("stem", 3, architecture.image_size)
    assert (parts[-1].path, parts[-1].dim_out, parts[-1].size_out) == ("head", architecture.classes, 1)
    for part, following in pairwise(parts):
        assert (following.dim, following.size) == (part.dim_out, part.size_out)
    for part in parts[:-1]:
        assert part.size_out == -(-part.size // part.stride)
    assert len({part.path for part in parts}) == len(parts)


@given(resnets(depths=(18,)) | mobilenets() | efficientnets(variants=(0,)), st.lists(st.integers(32, 400), min_size=1))
def test_arrays_of_image_sizes_give_what_each_size_gives(architecture, sizes):
    many = list(architecture.parts(np.array(sizes)))
    for i, size in enumerate(sizes):
        for part, one in zip(many, architecture.parts(size), strict=True):
            assert (np.broadcast_to(part.size, len(sizes))[i], np.broadcast_to(part.size_out, len(sizes))[i]) == (
                one.size,
                one.size_out,
            )


def test_embeddings_belong_to_the_first_layer_of_a_stage_that_has_any():
    parts = list(parse("lambda_resnet18:shared_embeddings=yes,c3.1.position=no").parts())
    shared = [part.path for part in parts if not part.owns_embeddings]
    assert shared == ["c2.2", "c4.2", "c5.2"]


def test_pools_are_where_a_lambda_layer_would_have_one():
    def pools(name):
        return {part.path: part.pool for part in parse(name).parts() if part.pool}

    assert pools("lambda_resnet18") == {"c3.1": "strided", "c4.1": "strided", "c5.1": "strided"}
    assert pools("lambda_resnet18:pool=first,stride=no") == dict.fromkeys(("c2.1", "c3.1", "c4.1", "c5.1"), "first")
    assert pools("lambda_resnet18:pool=2x2") == {"c3.1": "2x2", "c4.1": "2x2", "c5.1": "2x2"}
    assert pools("resnet18:stride=no") == {}


@pytest.mark.parametrize("block", [Block(Convolution(), 0.25), Block(Lambda(k=8, m="global")), Block(Lambda(k=8, m=7))])
def test_another_block_in_the_place_of_one(block):
    letters = "L" if isinstance(block.layer, Lambda) else "C"
    options = "se=0.25" if letters == "C" else f"k=8,m={block.layer.m}"
    wanted = parse(f"lambda_resnet18:stages={letters * 4},{options}")
    for part, other in zip(parse("lambda_resnet18").parts(), wanted.parts(), strict=True):
        if part.stage is not None:
            assert with_block(part, block) == other


def test_many_blocks_in_the_place_of_one():
    part = list(parse("lambda_resnet18").parts())[3]
    many = with_block(part, Block(Lambda()), k=np.array([8, 16]), m=np.array([7, 0]))
    assert many.shape.k.tolist() == [8, 16]
    assert many.shape.context.tolist() == [49, part.size**2]
    assert many.shape.embeddings.tolist() == [49, (2 * part.size - 1) ** 2]
