"""Canonical names: ``parse(str(a)) == a`` for every architecture.

    lambda_resnet50:k=8,h=8,u=4,m=7@256
    name           :options        @image size

The name is a depth with or without ``lambda_`` (every block a lambda layer, or none), or one of the zoo's.
"""

import re
from collections.abc import Iterator

from lambda_arch.arch.configure import configure
from lambda_arch.arch.errors import ArchitectureError, nearest
from lambda_arch.arch.options import OPTIONS, Option, Setting, block_value, read_setting
from lambda_arch.arch.patterns import compress
from lambda_arch.arch.resnet import BLOCKS, LAYERS, STAGES, Block, Convolution, Lambda, ResNet, prevailing

_BASE = re.compile(r"(lambda_)?resnet(\d+)")
BASE_NAMES = tuple(f"{prefix}resnet{depth}" for prefix in ("", "lambda_") for depth in BLOCKS)


def parse(text: str) -> ResNet:
    """Return the architecture of a name, canonical or not.

    Raises :class:`ArchitectureError`, in one line, for what is unknown or cannot be built.
    """
    if not isinstance(text, str):
        raise ArchitectureError(f"{text!r}: expected the name of an architecture, such as lambda_resnet50")
    name, _, options = text.partition(":")
    body, at, size = text.rpartition("@")
    if at:
        name, _, options = body.partition(":")
        if not (size.isascii() and size.isdigit()):
            raise ArchitectureError(f"@{size}: expected an image size, such as @224")
    return configure(named(name.strip()), read_settings(options), int(size) if at else None)


def read_settings(options: str) -> list[Setting]:
    """Return the settings of a comma-separated text such as ``k=8,c4.3.m=7``."""
    settings: dict[str, Setting] = {}
    for part in options.split(",") if options.strip() else []:
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or not key or not value:
            raise ArchitectureError(f"{part.strip() or 'an empty option'}: expected option=value, such as k=16")
        if key in settings:
            raise ArchitectureError(f"{key}={value}: {key} is set twice; expected it once")
        settings[key] = read_setting(key, value)
    return list(settings.values())


def named(name: str) -> ResNet:
    """Return the architecture of a bare name: a base name (``lambda_resnet50``) or one of the zoo."""
    match = _BASE.fullmatch(name)
    if match and int(match[2]) in BLOCKS:
        block = Block(Lambda()) if match[1] else Block(Convolution())
        return ResNet(int(match[2]), tuple((block,) * n for n in BLOCKS[int(match[2])]))
    from lambda_arch.arch.zoo import zoo

    entry = zoo().get(name)
    if entry is None:
        raise ArchitectureError(
            f"{name or 'an empty name'}: no such architecture{nearest(name, [*zoo(), *BASE_NAMES])}"
        )
    return parse(entry.canonical)


def canonical_name(architecture: ResNet) -> str:
    """Return the shortest name that :func:`parse` turns back into ``architecture``, always the same for the same."""
    name = f"{'lambda_' if architecture.has_lambda else ''}resnet{architecture.depth}"
    base = named(name)
    options = ",".join(f"{key}={value}" for key, value in _differences(architecture, base))
    size = "" if architecture.image_size == base.image_size else f"@{architecture.image_size}"
    return f"{name}{':' if options else ''}{options}{size}"


def _differences(architecture: ResNet, base: ResNet) -> Iterator[tuple[str, str]]:
    letters = _pattern(architecture)
    if letters != _pattern(base):
        yield "stages", letters
    for option in OPTIONS:
        if option.level == "network" and option.name != "stages":
            value = getattr(architecture, option.field)
            if value != getattr(base, option.field):
                yield option.name, option.write(value)
    scoped = [option for option in OPTIONS if option.level != "network"]
    tables = [_scoped_differences(architecture, option) for option in scoped]
    for level in range(3):  # the network's, the stages', the blocks'
        for option, table in zip(scoped, tables, strict=True):
            for place, value in table[level]:
                yield f"{place}{option.name}", option.write(value)


def _scoped_differences(architecture: ResNet, option: Option) -> list[list[tuple[str, object]]]:
    """Return what to write for ``option``, each with its place: for the network, for stages, for single blocks."""
    values = [
        [block_value(architecture, option, i, j) for j in range(len(stage))]
        for i, stage in enumerate(architecture.stages)
    ]
    meant = [value for stage in values for value in stage if value is not None]
    if not meant:
        return [[], [], []]
    default = getattr(LAYERS[option.letters[0]]() if option.letters else Block(), option.field)
    common = prevailing(meant)
    network = [("", common)] if common != default else []
    stages: list[tuple[str, object]] = []
    blocks: list[tuple[str, object]] = []
    for name, stage in zip(STAGES, values, strict=True):
        usual = [value for value in stage if value is not None]
        if not usual:
            continue
        stage_common = prevailing(usual, prefer=common)
        if stage_common != common:
            stages.append((f"{name}.", stage_common))
        blocks += [(f"{name}.{j}.", v) for j, v in enumerate(stage, 1) if v is not None and v != stage_common]
    return [network, stages, blocks]


def _pattern(architecture: ResNet) -> str:
    return compress(["".join(block.layer.letter for block in stage) for stage in architecture.stages])
