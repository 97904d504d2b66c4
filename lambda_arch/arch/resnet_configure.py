"""The base names of ResNets, and settings applied on top of one."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache, partial
from typing import Any

from lambda_arch.arch.layers import LAYERS, Block
from lambda_arch.arch.options import Setting
from lambda_arch.arch.patterns import expand
from lambda_arch.arch.resnet import ResNet
from lambda_arch.arch.resnet_tables import BLOCKS, STAGES
from lambda_arch.errors import ArchitectureError

BASE_NAMES = {
    f"{prefix}resnet{depth}": source
    for prefix, source in {"": "bottleneck ResNet", "lambda_": "all lambda layers"}.items()
    for depth in BLOCKS
}
"""Names of every depth, without lambda layers and with lambda layers only, each with a description."""


def base_resnet(name: str) -> ResNet:
    """Return the ResNet of a base name: ``resnet50``, or ``lambda_resnet50`` with every block a lambda layer."""
    prefix, _, depth = name.rpartition("resnet")
    block = Block(LAYERS["L" if prefix else "C"]())
    return ResNet(int(depth), tuple((block,) * n for n in BLOCKS[int(depth)]))


def configure_resnet(base: ResNet, settings: Sequence[Setting], image_size: int | None = None) -> ResNet:
    """Return ``base`` with ``settings`` on top: first those for the network, then for stages, then for blocks.

    Blocks that change to another kind of layer take the most common settings in ``base`` of that kind.

    Raises :class:`ArchitectureError` for a network that cannot be built, and for a setting of a stage or block that has
    no layer with that setting.
    """
    network = {setting.option.field: setting.value for setting in settings if setting.option.level == "network"}
    letters = [[block.layer.letter for block in stage] for stage in base.stages]
    if "stages" in network:
        letters = [list(stage) for stage in expand(str(network.pop("stages")), BLOCKS[base.depth])]
    by_width = sorted((s for s in settings if s.option.level != "network"), key=_specificity)
    for setting in by_width:
        _refuse_without_target(setting, letters)
    configured = cache(partial(_configure_block, base))  # most blocks of a network are equal
    stages = tuple(
        tuple(
            configured(block, letters[i][j], tuple(s for s in by_width if _covers(s, i, j + 1)))
            for j, block in enumerate(stage)
        )
        for i, stage in enumerate(base.stages)
    )
    changes: dict[str, Any] = {**network, "stages": stages}
    if image_size is not None:
        changes["image_size"] = image_size
    return replace(base, **changes)


def _specificity(setting: Setting) -> int:
    return (setting.stage is not None) + (setting.block is not None)


def _covers(setting: Setting, stage: int, block: int) -> bool:
    return setting.stage in (None, stage) and setting.block in (None, block)


def _configure_block(base: ResNet, block: Block, letter: str, settings: Sequence[Setting]) -> Block:
    values: dict[str, Any] = {s.option.field: s.value for s in settings if s.option.level == "block"}
    of_layer: dict[str, Any] = {s.option.field: s.value for s in settings if letter in s.option.letters}
    layer = block.layer if block.layer.letter == letter else base.most_common_layer(letter)
    kind = LAYERS[letter]
    if type(block.layer) is kind and not of_layer and not values:
        return block
    kept: dict[str, Any] = {name: getattr(layer, name) for name in layer.__match_args__}
    return replace(block, layer=kind(**{**kept, **of_layer}), **values)


def _refuse_without_target(setting: Setting, letters: list[list[str]]) -> None:
    if setting.stage is None:
        return
    stage, name = letters[setting.stage], STAGES[setting.stage]
    if setting.block is not None:
        if not 1 <= setting.block <= len(stage):
            raise ArchitectureError(f"{setting}: expected a block of {name} from 1 to {len(stage)}")
        stage, name = [stage[setting.block - 1]], f"{name}.{setting.block}"
    letters_of = setting.option.letters
    if letters_of and not set(letters_of) & set(stage):
        layer = "lambda" if setting.option.level == "lambda" else "such"
        raise ArchitectureError(
            f"{setting}: {name} has no {layer} layer; expected {' or '.join(letters_of)} there in stages"
        )
