"""How a prepared network runs on a GPU: its memory format, as a CUDA graph, compiled."""

from dataclasses import dataclass, fields
from itertools import product

from lambda_arch.errors import SetupError, did_you_mean


@dataclass(frozen=True, slots=True)
class Preparation:
    """Settings of a prepared network on a GPU; norms are always folded.

    ``channels_last``: the memory format; ``cuda_graph``: captured once for each shape of images and replayed;
    ``compile``: compiled by torch.
    """

    channels_last: bool = True
    cuda_graph: bool = True
    compile: bool = False

    def __str__(self) -> str:
        """Return the name that :func:`parse_preparation` reads, such as ``channels_last/cuda_graph``, or ``plain``."""
        return "/".join(each.name for each in fields(self) if getattr(self, each.name)) or PLAIN


PLAIN = "plain"
ALL = tuple(Preparation(*each) for each in product((True, False), repeat=3))
DEFAULT = Preparation()
"""Not measured: fewer copies around convolutions, which want channels last, and no time between small kernels."""


def parse_preparation(text: str) -> Preparation:
    """Return the preparation of a name: ``channels_last/cuda_graph``, ``plain``. Raises SetupError for another."""
    names = [each.name for each in fields(Preparation)]
    chosen = [] if text == PLAIN else text.split("/")
    for name in chosen:
        if name not in names:
            expected = f"{PLAIN}, or some of {', '.join(names)} joined by /"
            raise SetupError(f"preparation={text}: expected {expected}{did_you_mean(name, [PLAIN, *names])}")
    return Preparation(**{name: name in chosen for name in names})
