"""Shapes and strides of tensors: which changes of shape are views, and how results are laid out, as torch decides."""

from collections.abc import Sequence
from functools import lru_cache

Shape = tuple[int, ...]
remembered = lru_cache(maxsize=4096)  # a network has few distinct shapes, and thousands of tensors


@remembered
def contiguous(shape: Shape) -> Shape:
    """Return the strides of a contiguous tensor."""
    return dense(shape, range(len(shape)))


def dense(shape: Sequence[int], order: Sequence[int]) -> Shape:
    """Return the strides of a tensor without gaps whose dimensions lie in ``order``, the outermost first."""
    strides = [0] * len(shape)
    step = 1
    for dim in reversed(order):
        strides[dim] = step
        step *= max(1, shape[dim])
    return tuple(strides)


@remembered
def is_contiguous(shape: Shape, strides: Shape) -> bool:
    """Return whether a tensor is contiguous; strides of dimensions of size 1 have no effect."""
    return all(
        size == 1 or stride == usual for size, stride, usual in zip(shape, strides, contiguous(shape), strict=True)
    )


@remembered
def channels_last(shape: Shape) -> Shape:
    """Return the strides of maps (b, c, H, W) whose channels lie innermost."""
    return dense(shape, (0, 2, 3, 1))


@remembered
def is_channels_last(shape: Shape, strides: Shape) -> bool:
    """Return whether maps have their channels innermost; maps that could be either have not (as in c10)."""
    if len(shape) != 4 or strides[1] == 0:
        return False
    least = 0
    for dim in (1, 3, 2, 0):
        if strides[dim] < least or (dim == 0 and least == strides[1]):
            return False
        least = strides[dim] * max(1, shape[dim])
    return True


@remembered
def is_dense(shape: Shape, strides: Shape) -> bool:
    """Return whether a tensor's elements fill its storage without gaps or overlaps, in any order of dimensions."""
    step = 1
    for stride, size in sorted((stride, size) for size, stride in zip(shape, strides, strict=True) if size != 1):
        if stride != step:
            return False
        step *= size
    return True


@remembered
def like(shape: Shape, strides: Shape) -> Shape:
    """Return the strides of a new tensor for element-wise results: the same order of dimensions, without gaps."""
    if is_dense(shape, strides):
        return strides
    order = sorted(range(len(shape)), key=lambda dim: (-strides[dim], dim))
    return dense(shape, order)


@remembered
def viewed(shape: Shape, strides: Shape, new: Shape) -> Shape | None:
    """Return the strides of a view of another shape, or None if it takes a copy (``computeStride`` in ATen)."""
    found = [0] * len(new)
    at, base, old, made = len(new) - 1, strides[-1], 1, 1
    for dim in range(len(shape) - 1, -1, -1):
        old *= shape[dim]
        if dim > 0 and (shape[dim - 1] == 1 or strides[dim - 1] == old * base):
            continue  # it joins the dimension before it
        while at >= 0 and (made < old or new[at] == 1):
            found[at] = made * base
            made *= new[at]
            at -= 1
        if made != old:
            return None
        if dim > 0:
            base, old, made = strides[dim - 1], 1, 1
    return tuple(found) if at < 0 else None
