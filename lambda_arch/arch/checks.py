"""Checks of settings; each raises :class:`ArchitectureError` in one line."""

from collections.abc import Collection
from typing import TypeGuard

from lambda_arch.errors import ArchitectureError, shown

LARGEST = 10**9
"""The maximum of every number in an architecture."""


def is_whole(value: object, least: int = 1) -> TypeGuard[int]:
    """Return whether ``value`` is an integer (not a boolean) of at least ``least``."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def whole_number(text: str) -> int | None:
    """Return the number that ``text`` writes in digits; None for anything else or more digits than 64 bits hold."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def _check_largest(name: str, value: object) -> None:
    if isinstance(value, int) and abs(value) > LARGEST:
        raise ArchitectureError(f"{name}={shown(value)}: expected a number of at most {LARGEST:,}")


def check_whole(name: str, value: object, usual: int) -> None:
    """Raise unless ``value`` is a whole number from 1; ``usual`` is an example."""
    _check_largest(name, value)
    if not is_whole(value):
        raise ArchitectureError(f"{name}={value}: expected a whole number from 1, such as {name}={usual}")


def check_odd(name: str, value: object, what: str, usual: int) -> None:
    """Raise unless ``value`` is an odd number from 1; ``what`` describes it in words, ``usual`` is an example."""
    _check_largest(name, value)
    if not is_whole(value) or value % 2 == 0:
        near = value + 1 if is_whole(value) else usual
        raise ArchitectureError(f"{name}={value}: expected {what}, such as {name}={near}")


def check_choice(name: str, value: object, choices: Collection[str]) -> None:
    """Raise unless ``value`` is one of ``choices``."""
    if value not in choices:
        raise ArchitectureError(f"{name}={value}: expected one of {', '.join(choices)}")


def check_image_size(image_size: object, strides: int) -> None:
    """Raise for an image too small to be halved ``strides`` times."""
    least = 2**strides
    _check_largest("image_size", image_size)
    if not is_whole(image_size, least):
        raise ArchitectureError(
            f"image_size={image_size}: expected a whole number from {least}, for the {strides} strides of 2"
        )


def check_heads(name: str, heads: int, channels: int, place: str, whose: str = "") -> None:
    """Raise unless ``heads`` divide the ``channels`` of ``place``; ``whose`` says in words which channels these are."""
    if channels % heads:
        raise ArchitectureError(
            f"{name}={heads}: expected heads that divide {whose or f'the {channels}'} channels of {place}, "
            f"such as {name}={nearest_divisor(heads, channels)}"
        )


def largest_map(size: int | tuple[int, int] | None) -> tuple[int, int]:
    """Return ``size`` as H and W; raise without one, which a global scope needs."""
    if size is None:
        raise ArchitectureError("m=global: expected size, the largest H x W of the maps, such as size=14")
    return (size, size) if isinstance(size, int) else (size[0], size[1])


def check_map(height: int, width: int, size: tuple[int, int]) -> None:
    """Raise for a map over ``size``, for which global position embeddings were built."""
    if height > size[0] or width > size[1]:
        raise ArchitectureError(
            f"{height}x{width}: expected a map of at most {size[0]}x{size[1]}, "
            f"the size for which these global position embeddings were built"
        )


def nearest_divisor(value: int, number: int) -> int:
    """Return the divisor of ``number`` closest to ``value``."""
    divisors = [d for d in range(1, number + 1) if number % d == 0]
    return min(divisors, key=lambda d: (abs(d - value), d))
