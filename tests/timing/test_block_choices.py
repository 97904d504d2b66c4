import pytest

from lambda_arch.arch import Block, parse
from lambda_arch.timing.block_choices import block_choices, random_networks


def test_choices_of_blocks_are_read_and_refused():
    base = parse("lambda_resnet50")
    found = block_choices(base, "k=8|16, m=7|global")
    assert found[0] == Block()
    assert {(b.layer.k, b.layer.m) for b in found[1:]} == {(8, 7), (8, "global"), (16, 7), (16, "global")}
    for text, words in {
        "kk=8": "^choices=kk=8: expected choices",
        "k=x": "whole number",
        "k": "expected choices",
        "k=8,k=16": "set twice",
        "m=8": "odd",
    }.items():
        with pytest.raises(ValueError, match=words):
            block_choices(base, text)


def test_random_networks_repeat_with_their_seed():
    base = parse("resnet50")
    choices = block_choices(base, "m=7|23")
    first, again, other = (list(random_networks(base, choices, 5, seed)) for seed in (1, 1, 2))
    assert first == again != other
    assert len(first) == 5
