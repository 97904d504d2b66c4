"""Gradients of the fused evaluation by Triton kernels that write neither lambdas nor their gradients."""

import torch
from torch import Tensor
from torch.utils.flop_counter import register_flop_formula

from lambda_arch.arch.evaluation_shapes import gradient_parts
from lambda_arch.nn.evaluation import tf32

DEPTHS = 128
"""Maximum value depth of one product."""


def precision() -> str:
    """Return how products of float32 run: in TF32 where torch's own may."""
    return tf32.ON if tf32.of_products() else tf32.OFF


@torch.library.custom_op("lambda_arch::fused_backward", mutates_args=())
def gradients(gradient: Tensor, queries: Tensor, values: Tensor, near: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the gradients, by position lambdas, of ``queries``, ``values`` and ``near`` from that of the outputs.

    ``gradient`` (b, h, v, n), ``queries`` (b, h, k, n) and ``values`` (b, v, u, H, W) are contiguous and, like the
    cropped embeddings ``near`` (k, u, rows, columns), of one type. Deterministic.
    """
    import triton

    from lambda_arch.nn.evaluation import fused_backward_kernels as kernels

    b, h, k, _ = queries.shape
    v, u, height, width = values.shape[1:]
    rows, columns = near.shape[2:]
    embeddings = near.permute(1, 2, 3, 0).contiguous()
    depths = min(DEPTHS, max(16, triton.next_power_of_2(v)))
    splits = gradient_parts(b, height, rows, u)
    of_queries, of_values = torch.empty_like(queries), torch.empty_like(values)
    parts = near.new_empty(splits, u, rows, columns, k, dtype=torch.float32)
    operands = (gradient, queries, values, embeddings)
    sizes = {
        "images": b, "height": height, "width": width, "heads": h, "k": k, "u": u, "depth": v, "rows": rows,
        "columns": columns, "padded_heads": triton.next_power_of_2(h), "padded_k": max(16, triton.next_power_of_2(k)),
        "padded_columns": max(16, triton.next_power_of_2(columns)), "depths": depths, "precision": precision(),
    }  # fmt: skip

    def of_rows(tile: dict[str, int]) -> tuple[int, int, int]:
        return height * triton.cdiv(width, tile["near"]), 1, b

    def of_far_rows(tile: dict[str, int]) -> tuple[int, int, int]:
        return height * triton.cdiv(width, tile["far"]), u * triton.cdiv(v, depths), b

    def of_offsets(tile: dict[str, int]) -> tuple[int, int, int]:
        return rows * triton.cdiv(columns, tile["near"]), u, splits

    kernels.queries_kernel[of_rows](*operands, of_queries, **sizes)
    kernels.values_kernel[of_far_rows](*operands, of_values, **sizes)
    kernels.embeddings_kernel[of_offsets](*operands, parts, **sizes)
    return of_queries, of_values, parts.sum(0).permute(3, 0, 1, 2).to(near.dtype)


@gradients.register_fake
def _(gradient: Tensor, queries: Tensor, values: Tensor, near: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    k, u, rows, columns = near.shape
    return (
        torch.empty_like(queries),
        torch.empty_like(values),
        near.new_empty(u, rows, columns, k).permute(3, 0, 1, 2),
    )


@register_flop_formula(torch.ops.lambda_arch.fused_backward)
def _flops(
    gradient: torch.Size, queries: torch.Size, values: torch.Size, near: torch.Size, *_: object, **__: object
) -> int:
    b, h, v, n = gradient
    k, u, rows, columns = near
    return 3 * 2 * b * h * n * u * rows * columns * (k + v)
