"""The cost of single modules in closed form, for integers or arrays. ``size`` is the side of a module's output map.

A convolution of kernel area a, from c to d channels in g groups, on n output positions has c*a*d/g weights and
c*a*d*n/g multiply-accumulates; padded positions count like all others. fvcore's column counts two per input element of
a norm and one per input element of a global average pool.
"""

from collections.abc import Iterator

from lambda_arch.arch import Head, Part, formula_of
from lambda_arch.arch.kinds import FORMULAS, find
from lambda_arch.costs.ledger import Row


def rows(part: Part) -> Iterator[Row]:
    """Yield the rows of a part, one per module, for one image; counts are arrays where the part's numbers are."""
    yield from find(FORMULAS, part)(part)


def conv(path: str, dim: int, dim_out: int, area: int, size: int, bias: bool = False, groups: int = 1) -> Row:
    """Return the row of a convolution whose kernel has ``area`` weights."""
    weights = dim // groups * area * dim_out
    macs = weights * (size * size)
    return Row(path, "conv", (1, dim_out, size, size), weights + (dim_out if bias else 0), macs, macs)


def norm(path: str, dim: int, size: int) -> Row:
    """Return the row of a batch norm."""
    return Row(path, "norm", (1, dim, size, size), 2 * dim, 0, 2 * dim * (size * size))


def matmul(path: str, shape: tuple[int, ...], macs: int, params: int = 0) -> Row:
    """Return the row of a matrix product, with the parameters of its module."""
    return Row(path, "matmul", shape, params, macs, macs)


def conv_norm(
    path: str, dim: int, dim_out: int, area: int, size: int, bias: bool = False, groups: int = 1
) -> Iterator[Row]:
    """Yield the rows of a convolution and its batch norm."""
    yield conv(f"{path}.conv", dim, dim_out, area, size, bias, groups)
    yield norm(f"{path}.norm", dim_out, size)


def squeeze_excitation(path: str, dim: int, hidden: int, size: int) -> Iterator[Row]:
    """Yield the rows of squeeze-excitation with ``hidden`` channels between (Hu et al. 2018)."""
    yield Row(f"{path}.pool", "avg_pool", (1, dim, 1, 1), fvcore_flops=dim * size * size)
    yield conv(f"{path}.reduce", dim, hidden, 1, 1, bias=True)
    yield conv(f"{path}.expand", hidden, dim, 1, 1, bias=True)


def pooled_linear(path: str, dim: int, classes: int, size: int) -> Iterator[Row]:
    """Yield the rows of a linear classifier on the mean of a map of side ``size``."""
    yield Row(f"{path}.pool", "avg_pool", (1, dim, 1, 1), fvcore_flops=dim * size * size)
    macs = dim * classes
    yield Row(f"{path}.fc", "linear", (1, classes), macs + classes, macs, macs)


@formula_of(Head)
def head(part: Part) -> Iterator[Row]:
    """Yield the rows of a head of a pool and a linear classifier."""
    return pooled_linear(part.path, part.dim, part.settings.classes, part.size)
