"""The stages of a network: what a backbone can return."""

from typing import NamedTuple

from lambda_arch.arch.registry import Architecture


class Stage(NamedTuple):
    """A stem or stage by ``name`` (``stem``, ``c4``, ``layer7``): the ``channels`` and total ``stride`` of its map."""

    name: str
    channels: int
    stride: int


def stages(architecture: Architecture) -> dict[str, Stage]:
    """Return the stem and the stages (or layers) of ``architecture`` by name, in order, without the head."""
    found: dict[str, Stage] = {}
    stride = 1
    for part in architecture.parts():
        if not is_head(part.path):
            stride *= part.stride
            name = part.path.partition(".")[0]
            found[name] = Stage(name, part.dim_out, stride)
    return found


def is_head(path: str) -> bool:
    """Return whether a module's path is of the classifier."""
    return path.partition(".")[0] == "head"
