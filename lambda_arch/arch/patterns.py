"""Stage patterns: which layer each block holds.

A pattern is one letter per stage (``CCLL``), one per block (``CCC-CCCC-CCLCCL-LLL``, the dashes optional), or a mix: a
group of one letter stands for its whole stage (``C-C-CCLCCL-L``), a number for that many lambda layers spaced evenly
(``C-C-2-L``), as in the paper's hybrids (Bello, ICLR 2021, appendix E).
"""

from collections.abc import Sequence

from lambda_arch.arch.checks import whole_number
from lambda_arch.arch.layers import LAYERS
from lambda_arch.errors import ArchitectureError


def evenly_spaced(count: int, blocks: int) -> str:
    """Return the letters of a stage of ``blocks`` with ``count`` lambda layers, evenly spaced.

    The gap is blocks / (count + 1), rounded to the nearest whole number, and small enough for all to fit: 6 of 36 are
    the 5th, 10th, ..., 30th.
    """
    if count == 0:
        return "C" * blocks
    gap = max(1, min((2 * blocks + count + 1) // (2 * (count + 1)), blocks // count))
    return "".join("L" if i % gap == 0 and i <= gap * count else "C" for i in range(1, blocks + 1))


def expand(pattern: str, blocks: Sequence[int]) -> tuple[str, ...]:
    """Return the letters of every stage, one per block; ``blocks`` counts the blocks of each stage.

    Raises :class:`ArchitectureError` for an unknown letter, or a length that does not fit.
    """
    text = pattern.strip().upper()
    groups = text.split("-")
    if len(groups) == 1 and len(text) == len(blocks):
        groups = list(text)
    elif len(groups) == 1 and len(text) == sum(blocks):
        starts = [sum(blocks[:i]) for i in range(len(blocks))]
        groups = [text[start : start + n] for start, n in zip(starts, blocks, strict=True)]
    if len(groups) != len(blocks):
        raise ArchitectureError(
            f"stages={pattern}: expected {len(blocks)} letters, one per stage (CCLL), or a letter for each of the "
            f"{'-'.join(map(str, blocks))} blocks, with a dash between stages"
        )
    return tuple(_expand_group(pattern, group, n) for group, n in zip(groups, blocks, strict=True))


def _expand_group(pattern: str, group: str, n: int) -> str:
    if group.isascii() and group.isdigit():
        number = whole_number(group)
        if number is None or number > n:
            raise ArchitectureError(f"stages={pattern}: expected at most {n} lambda layers where it says {group}")
        return evenly_spaced(number, n)
    wrong = [letter for letter in group if letter not in LAYERS]
    if wrong:
        raise ArchitectureError(
            f"stages={pattern}: expected C (convolution), L (lambda) or a comparison layer "
            f"({', '.join(list(LAYERS)[2:])}) where it says {wrong[0]}"
        )
    if len(group) == 1:
        return group * n
    if len(group) != n:
        letters = f"{len(group)} letters" if group else "nothing"
        raise ArchitectureError(f"stages={pattern}: expected 1 letter or {n}, one per block, where it has {letters}")
    return group


def compress(letters: Sequence[str]) -> str:
    """Return the shortest pattern that expands to these letters, the inverse of :func:`expand`."""
    groups = [_compress_group(stage) for stage in letters]
    return "".join(groups) if all(group in LAYERS for group in groups) else "-".join(groups)


def _compress_group(stage: str) -> str:
    if len(set(stage)) == 1:
        return stage[0]
    count = stage.count("L")
    return str(count) if evenly_spaced(count, len(stage)) == stage else stage
