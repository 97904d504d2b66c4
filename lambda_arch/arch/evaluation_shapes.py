"""Numbers on which evaluations of a lambda layer depend: folded columns, periods of transforms, sizes of groups, parts
of sums."""

from collections.abc import Sequence

LARGE = 16 * 2**20
"""Maximum bytes of a tensor on a CPU, above which a batch is evaluated in groups; see ``nn.image_groups``."""
WIDE, NARROW = 8, 4
"""Shifts that become channels; kernels of at most NARROW columns are not padded to more."""


FOLDS = tuple(f"{axis}{factor}" for axis in "xy" for factor in (2, 4, 8, 16))
"""Names of foldings: the axis along which values are shifted, and how many shifts become channels."""


def folding(fold: str, scope: Sequence[int]) -> tuple[int, int]:
    """Return the axis (0 for y, 1 for x) and the factor of a fold's name; without one, along x by WIDE or NARROW."""
    if not fold:
        return 1, NARROW if scope[1] <= NARROW else WIDE
    return "yx".index(fold[0]), int(fold[1:])


def sensible_folds(scope: Sequence[int]) -> list[str]:
    """Return the foldings of a kernel to choose from: ``""``, and those that do not double it by padding."""
    default = folding("", scope)
    found = {fold: folding(fold, scope) for fold in FOLDS}
    return [
        "",
        *(fold for fold, (axis, factor) in found.items() if factor < 2 * scope[axis] and found[fold] != default),
    ]


def fft_period(scope: Sequence[int], height: int, width: int) -> tuple[int, int]:
    """Return the rows and columns of the transforms, large enough that no offset of the scope wraps around."""
    return smooth(height + min(scope[0] // 2, height - 1)), smooth(width + min(scope[1] // 2, width - 1))


def smooth(length: int) -> int:
    """Return the least number from ``length`` with only the prime factors 2, 3 and 5, for fast transforms."""
    while True:
        rest = length
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return length
        length += 1


PROGRAMS = 1024
"""Programs of the fused gradient of the embeddings, about: several for every multiprocessor of a GPU."""


def gradient_parts(images: int, height: int, rows: int, u: int) -> int:
    """Return into how many parts the fused gradient of the embeddings is split; each is of some rows of the maps."""
    return min(images * height, -(-PROGRAMS // (rows * u)))
