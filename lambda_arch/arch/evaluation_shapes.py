"""Numbers on which evaluations of a lambda layer depend: folded columns, periods of transforms, sizes of groups, parts
of sums."""

from collections.abc import Sequence

LARGE = 16 * 2**20
"""Maximum bytes of a tensor on a CPU, above which a batch is evaluated in groups; see ``nn.image_groups``."""
WIDE, NARROW = 8, 4
"""Shifts that become channels; kernels of at most NARROW columns are not padded to more."""


def fold_factor(columns: int) -> int:
    """Return how many shifts become channels for a kernel of so many columns."""
    return NARROW if columns <= NARROW else WIDE


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
