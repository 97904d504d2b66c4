"""Three ways to apply every query to the lambda of its own position: (b, h, k, n) and (b, v, k, n) to (b, h, v, n).

All take h * v * k * n multiply-accumulates per image. Measured on CPUs in float32: at batch 1 one batched product of n
small matrices was 10 times slower than multiply-and-sum. At larger batches multiply-and-sum, which stores all
h * v * k * n terms, is slower than accumulating k outer products, each a pass over contiguous memory. In 16 bits the
product is as fast, and a quarter faster after a folded convolution, whose lambdas lie position by position.
"""

from collections.abc import Callable

import torch
from torch import Tensor


def product(queries: Tensor, lambdas: Tensor) -> Tensor:
    """One batched product, with one small matrix per position; on CPUs the outputs are contiguous."""
    of_position = queries.permute(0, 3, 1, 2).contiguous()
    per_position = lambdas.permute(0, 3, 1, 2).contiguous()
    outputs = torch.matmul(of_position, per_position.transpose(2, 3)).permute(0, 2, 3, 1)
    return outputs.contiguous() if outputs.device.type == "cpu" else outputs


def by_position(lambdas: Tensor) -> Tensor:
    """Return the same lambdas (b, v, k, n), those of a position next to each other, as :func:`product` reads them."""
    return lambdas.permute(0, 3, 1, 2).contiguous().permute(0, 2, 3, 1)


def multiply_and_sum(queries: Tensor, lambdas: Tensor) -> Tensor:
    """All terms stored, then summed over k."""
    return (queries.unsqueeze(2) * lambdas.unsqueeze(1)).sum(3)


def accumulate(queries: Tensor, lambdas: Tensor) -> Tensor:
    """One term per query channel, accumulated in place; in float32 at least, to which low precision is promoted."""
    # unbind, not indexing: its backward pass stacks k gradients once, where indexing would add up k full ones
    of_channel = queries.unsqueeze(2).unbind(3)
    per_channel = lambdas.unsqueeze(1).unbind(3)
    wide = torch.promote_types(queries.dtype, torch.float32)
    total = of_channel[0].to(wide) * per_channel[0]
    for query, part in zip(of_channel[1:], per_channel[1:], strict=True):
        total.addcmul_(query, part)
    return total


FUNCTIONS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "product": product,
    "sum": multiply_and_sum,
    "accumulate": accumulate,
}


def apply_queries(apply: str, queries: Tensor, lambdas: Tensor) -> Tensor:
    """Return outputs (b, h, v, n); low-precision operands are summed in float32.

    For float16 operands the outputs stay in float32, because they may overflow. Others have the type of the queries.
    """
    if queries.dtype not in (torch.float16, torch.bfloat16):
        return FUNCTIONS[apply](queries, lambdas)
    if apply == "product" and queries.dtype == torch.bfloat16:  # matrix products accumulate in float32
        return product(queries, lambdas.to(queries.dtype))
    with torch.autocast(queries.device.type, enabled=False):
        if apply == "accumulate":  # it promotes term by term, without copies of the lambdas
            outputs = accumulate(queries, lambdas)
        else:
            outputs = FUNCTIONS[apply](queries.float(), lambdas.float())
    return outputs if queries.dtype == torch.float16 else outputs.to(queries.dtype)
