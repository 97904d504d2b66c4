"""Canonical names of ResNets: the shortest that name a network, from what differs from its base."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING

from lambda_arch.arch.layers import LAYERS, Block, Convolution, Lambda, most_common
from lambda_arch.arch.options import OPTIONS, Option
from lambda_arch.arch.patterns import compress
from lambda_arch.arch.resnet_tables import STAGES

if TYPE_CHECKING:
    from lambda_arch.arch.resnet import ResNet


def canonical_name(architecture: "ResNet") -> str:
    """Return the shortest name that :func:`parse` turns back into ``architecture``, always the same for the same."""
    usual = {field.name: field.default for field in fields(architecture)}
    name = f"{'lambda_' if architecture.has_lambda else ''}resnet{architecture.depth}"
    options = ",".join(f"{key}={value}" for key, value in _differences(architecture, usual))
    size = "" if architecture.image_size == usual["image_size"] else f"@{architecture.image_size}"
    return f"{name}{':' if options else ''}{options}{size}"


def _differences(architecture: "ResNet", usual: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    letters = _pattern(architecture)
    if letters != (Lambda if architecture.has_lambda else Convolution).letter * len(STAGES):
        yield "stages", letters
    for option in OPTIONS:
        if option.level == "network" and option.field in usual and option.name != "stages":
            value = getattr(architecture, option.field)
            if value != usual[option.field]:
                yield option.name, option.write(value)
    scoped = [option for option in OPTIONS if option.level != "network"]
    tables = [_scoped_differences(architecture, option) for option in scoped]
    for level in range(3):  # the network's, the stages', the blocks'
        for option, table in zip(scoped, tables, strict=True):
            for place, value in table[level]:
                yield f"{place}{option.name}", option.write(value)


def _scoped_differences(architecture: "ResNet", option: Option) -> list[list[tuple[str, object]]]:
    """Return what to write for ``option``, each with its place: for the network, for stages, for single blocks."""
    values = [[_value(block, option) for block in stage] for stage in architecture.stages]
    meant = [value for stage in values for value in stage if value is not None]
    if not meant:
        return [[], [], []]
    default = getattr(LAYERS[option.letters[0]]() if option.letters else Block(), option.field)
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


def _pattern(architecture: "ResNet") -> str:
    return compress(["".join(block.layer.letter for block in stage) for stage in architecture.stages])


def _value(block: Block, option: Option) -> object:
    """Return what a block has for ``option``, or None where the option has no meaning for it."""
    if option.level == "block":
        return getattr(block, option.field)
    layer = block.layer
    if layer.letter not in option.letters:
        return None
    if isinstance(layer, Lambda) and not layer.means(option.field):
        return None
    return getattr(layer, option.field)
