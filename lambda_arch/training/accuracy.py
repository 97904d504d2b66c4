"""The accuracy of a network, as a value. No torch."""

from dataclasses import dataclass, field

from lambda_arch.results import Result


@dataclass(frozen=True)
class Accuracy(Result):
    """What a network got right: percents of images whose label is its first guess (``top1``) or among five.

    ``per_class``: images and right first guesses of each class, in the order of ``classes``. ``damaged``: messages of
    the files that were left out.
    """

    architecture: str
    data: str
    classes: tuple[str, ...] = field(repr=False)
    images: int
    top1: float
    top5: float
    loss: float
    images_per_second: float
    per_class: tuple[tuple[int, int], ...] = field(repr=False)
    damaged: tuple[str, ...] = ()
