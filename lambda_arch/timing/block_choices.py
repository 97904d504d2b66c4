"""Choices of blocks, such as ``k=8|16,m=7|23``, and random networks made of them."""

import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from typing import Any

from lambda_arch.arch import OPTIONS, ArchitectureError, Block, Lambda, ResNet, did_you_mean, read_setting

CHOOSABLE = {option.name: option for option in OPTIONS if option.level in ("lambda", "block")}


def block_choices(base: ResNet, text: str) -> list[Block]:
    """Return the blocks that ``text`` allows: a convolution, and a lambda layer with every combination of its values.

    Other settings are the most common ones of ``base``. Raises :class:`ArchitectureError` for an unknown setting or an
    invalid value.
    """
    values: dict[str, list[Any]] = {}
    for part in text.split(",") if text.strip() else []:
        name, equals, choices = (piece.strip() for piece in part.partition("="))
        if not equals or name not in CHOOSABLE:
            raise ArchitectureError(
                f"choices={part.strip()}: expected choices such as k=8|16, of {', '.join(CHOOSABLE)}"
                f"{did_you_mean(name, CHOOSABLE)}"
            )
        if name in values:
            raise ArchitectureError(f"choices={part.strip()}: {name} is set twice; expected it once")
        values[name] = [read_setting(name, choice.strip()).value for choice in choices.split("|")]
    common = base.most_common_lambda()
    ratios = values.pop("se", [base.most_common_se()])
    names = [CHOOSABLE[name].field for name in values]
    found: list[Block] = []
    for ratio in ratios:
        found.append(Block(se=ratio))
        for combination in itertools.product(*values.values()):
            layer = Lambda(**{**asdict(common), **dict(zip(names, combination, strict=True))})
            found.append(Block(layer, ratio))
    return list(dict.fromkeys(found))


def random_networks(base: ResNet, blocks: Sequence[Block], number: int, seed: int) -> Iterator[ResNet]:
    """Yield ``number`` networks of ``base``'s shape, every block drawn from ``blocks`` with ``seed``."""
    draw = random.Random(seed)
    yielded = 0
    for _ in range(100 * number):
        if yielded == number:
            return
        try:
            stages = tuple(tuple(draw.choice(blocks) for _ in stage) for stage in base.stages)
            network = replace(base, stages=stages)
        except ArchitectureError:  # heads that do not divide a stage's channels
            continue
        yielded += 1
        yield network
