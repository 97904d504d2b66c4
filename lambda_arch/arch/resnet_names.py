"""Canonical names of ResNets: the shortest that name a network, from what differs from its base."""

from collections.abc import Iterator

from lambda_arch.arch.options import OPTIONS, Option, block_value
from lambda_arch.arch.patterns import compress
from lambda_arch.arch.resnet import BLOCKS, LAYERS, STAGES, Block, Convolution, Lambda, ResNet, prevailing

BASE_NAMES = {
    f"{prefix}resnet{depth}": source
    for prefix, source in {"": "ResNet of bottlenecks", "lambda_": "every 3x3 convolution a lambda layer"}.items()
    for depth in BLOCKS
}
"""Names of every depth, without lambda layers and with nothing else, each with what it is."""

RESNET_OPTIONS = tuple(option for option in OPTIONS if option.name != "layers")


def base_resnet(name: str) -> ResNet:
    """Return the ResNet of a base name: ``resnet50``, or ``lambda_resnet50`` with every block a lambda layer."""
    prefix, _, depth = name.rpartition("resnet")
    block = Block(Lambda()) if prefix else Block(Convolution())
    return ResNet(int(depth), tuple((block,) * n for n in BLOCKS[int(depth)]))


def canonical_name(architecture: ResNet) -> str:
    """Return the shortest name that :func:`parse` turns back into ``architecture``, always the same for the same."""
    name = f"{'lambda_' if architecture.has_lambda else ''}resnet{architecture.depth}"
    base = base_resnet(name)
    options = ",".join(f"{key}={value}" for key, value in _differences(architecture, base))
    size = "" if architecture.image_size == base.image_size else f"@{architecture.image_size}"
    return f"{name}{':' if options else ''}{options}{size}"


def _differences(architecture: ResNet, base: ResNet) -> Iterator[tuple[str, str]]:
    letters = _pattern(architecture)
    if letters != _pattern(base):
        yield "stages", letters
    for option in RESNET_OPTIONS:
        if option.level == "network" and option.name != "stages":
            value = getattr(architecture, option.field)
            if value != getattr(base, option.field):
                yield option.name, option.write(value)
    scoped = [option for option in RESNET_OPTIONS if option.level != "network"]
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
