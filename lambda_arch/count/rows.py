"""The rows that layers are made of: convolutions, norms, matrix products."""

from lambda_arch.count.ledger import Row


def halve(size: int) -> int:
    """Return the side of a map after a stride of 2 with half padding."""
    return (size + 1) // 2


def conv(path: str, dim: int, dim_out: int, area: int, size: int, bias: bool = False) -> Row:
    """Return the row of a convolution of kernel area ``area`` on size x size output positions."""
    weights = dim * area * dim_out
    macs = weights * (size * size)
    return Row(path, "conv", (1, dim_out, size, size), weights + (dim_out if bias else 0), macs, macs)


def norm(path: str, dim: int, size: int) -> Row:
    """Return the row of a batch norm."""
    return Row(path, "norm", (1, dim, size, size), 2 * dim, 0, 2 * dim * (size * size))


def matmul(path: str, shape: tuple[int, ...], macs: int, params: int = 0) -> Row:
    """Return the row of a matrix product, with its own parameters where it has any."""
    return Row(path, "matmul", shape, params, macs, macs)
