"""Canonical names of ResNets: a base name, and the settings that differ from it."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from functools import lru_cache
from typing import TYPE_CHECKING

from lambda_arch.arch.layers import LAYERS, Block, Convolution, Lambda, most_common
from lambda_arch.arch.options import OPTIONS, Option
from lambda_arch.arch.patterns import compress
from lambda_arch.arch.resnet_tables import STAGES

if TYPE_CHECKING:
    from lambda_arch.arch.resnet import ResNet


@lru_cache(maxsize=1024)
def canonical_name(architecture: "ResNet") -> str:
    """Return the canonical name, from which :func:`parse` returns ``architecture``."""
    usual = {field.name: field.default for field in fields(architecture)}
    name = f"{'lambda_' if architecture.has_lambda else ''}resnet{architecture.depth}"
    options = ",".join(f"{key}={value}" for key, value in _differences(architecture, usual))
    size = "" if architecture.image_size == usual["image_size"] else f"@{architecture.image_size}"
    return f"{name}{':' if options else ''}{options}{size}"


def _differences(architecture: "ResNet", usual: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    letters = compress(["".join(block.layer.letter for block in stage) for stage in architecture.stages])
    if letters != (Lambda if architecture.has_lambda else Convolution).letter * len(STAGES):
        yield "stages", letters
    for option in OPTIONS:
        if option.level == "network" and option.field in usual and option.name != "stages":
            value = getattr(architecture, option.field)
            if value != usual[option.field]:
                yield option.name, option.write(value)
    scoped = [option for option in OPTIONS if option.level != "network"]
    tables = [_scoped_differences(architecture, option) for option in scoped]
    for level in range(3):  # network, stages, blocks
        for option, table in zip(scoped, tables, strict=True):
            for place, value in table[level]:
                yield f"{place}{option.name}", option.write(value)


def _scoped_differences(architecture: "ResNet", option: Option) -> list[list[tuple[str, object]]]:
    """Return the values of ``option`` to write, each with its place: for the network, for stages, for blocks."""
    letters = option.letters
    values = [[_value(block, option, letters) for block in stage] for stage in architecture.stages]
    meant = [value for stage in values for value in stage if value is not None]
    if not meant:
        return [[], [], []]
    default = getattr(LAYERS[letters[0]]() if letters else Block(), option.field)
    common = most_common(meant)
    network = [("", common)] if common != default else []
    stages: list[tuple[str, object]] = []
    blocks: list[tuple[str, object]] = []
    for name, stage in zip(STAGES, values, strict=True):
        usual = [value for value in stage if value is not None]
        if not usual:
            continue
        stage_common = most_common(usual, prefer=common)
        if stage_common != common:
            stages.append((f"{name}.", stage_common))
        blocks += [(f"{name}.{j}.", v) for j, v in enumerate(stage, 1) if v is not None and v != stage_common]
    return [network, stages, blocks]


def _value(block: Block, option: Option, letters: str) -> object:
    """Return the value of ``option``, which layers of ``letters`` have, in a block; None if it has no effect there."""
    if option.level == "block":
        return getattr(block, option.field)
    layer = block.layer
    if layer.letter not in letters:
        return None
    if isinstance(layer, Lambda) and not layer.applies(option.field):
        return None
    return getattr(layer, option.field)
