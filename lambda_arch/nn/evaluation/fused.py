"""Outputs of a lambda layer by one Triton kernel that never writes the lambdas; where Triton cannot run, by `folded`.

Neither do the kernels of the backward pass (:mod:`~lambda_arch.nn.evaluation.fused_backward`).
"""

import os
from functools import cache
from importlib.util import find_spec

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.flop_counter import register_flop_formula

from lambda_arch.nn.evaluation import folded, fused_backward
from lambda_arch.nn.evaluation.apply import apply_queries
from lambda_arch.nn.evaluation.embeddings import crop
from lambda_arch.nn.evaluation.layer_shape import LayerShape

DTYPES = (torch.float32, torch.bfloat16, torch.float16)
CHUNK = 64
"""What the kernel's reduction is padded to a multiple of: the largest of its tiles' chunks."""


def available(tensor: Tensor) -> bool:
    """Return whether the kernel runs on ``tensor``: Triton is there, and a CUDA device or its interpreter."""
    return tensor.dtype in DTYPES and (tensor.is_cuda or _interpreted()) and has_triton()


@cache
def has_triton() -> bool:
    """Return whether Triton is installed."""
    return find_spec("triton") is not None


def _interpreted() -> bool:
    return os.environ.get("TRITON_INTERPRET") == "1"


def outputs(queries: Tensor, shared: Tensor | None, values: Tensor, kernel: Tensor) -> Tensor:
    """Return outputs (b, h, v, n) in the type of ``values``.

    ``queries`` (b, h, k, n); ``shared`` (b, v, k) what all positions of an image have in common, or None; ``values``
    (b, v, u, H, W); ``kernel`` the embeddings (k, u, rows, columns).
    """
    b, v, _, height, width = values.shape
    near = crop(kernel, height, width).to(values.dtype)
    if shared is None:
        shared = values.new_zeros(b, v, kernel.shape[0])
    queries, shared = queries.to(values.dtype), shared.to(values.dtype)
    if available(values):
        # the interpreter takes the bits of a bfloat16 for an integer in its matrix products
        kind = torch.float32 if _interpreted() else values.dtype
        result: Tensor = fused_outputs(*(x.to(kind).contiguous() for x in (queries, shared, values)), near.to(kind))
        return result.to(values.dtype)
    return _by_library(queries, shared, values, near)


def _by_library(queries: Tensor, shared: Tensor, values: Tensor, near: Tensor) -> Tensor:
    height, width = values.shape[-2:]
    lambdas = folded.lambdas(values, near, folded.maps(near, height, width)) + shared.unsqueeze(-1)
    return apply_queries("product", queries, lambdas)


def macs(at: LayerShape) -> int:
    """Return the multiply-accumulates of the position lambdas in the kernel, its padded reduction included."""
    rows, columns = at.reach
    return at.b * at.v * at.k * at.n * -(-at.u * rows * columns // CHUNK) * CHUNK


@torch.library.custom_op("lambda_arch::fused", mutates_args=())
def fused_outputs(queries: Tensor, shared: Tensor, values: Tensor, near: Tensor) -> Tensor:
    """Return outputs (b, h, v, n) by the kernel; operands are contiguous and of one type."""
    import triton

    from lambda_arch.nn.evaluation.fused_forward_kernel import forward_kernel

    b, h, k, n = queries.shape
    v, u, height, width = values.shape[1:]
    rows, columns = near.shape[2:]
    reduction = triton.cdiv(u * rows * columns, CHUNK) * CHUNK
    embeddings = near.new_zeros(reduction, k)
    embeddings[: u * rows * columns] = near.permute(1, 2, 3, 0).reshape(-1, k)
    padded = F.pad(values, (columns // 2, columns // 2, rows // 2, rows // 2))
    padded_height, padded_width = padded.shape[3:]
    offsets = _offsets(u, rows, columns, padded_height, padded_width, reduction, values.device)
    outputs = values.new_empty(b, h, v, n)

    def grid(tile: dict[str, int]) -> tuple[int, int, int]:
        return triton.cdiv(n, tile["positions"]), triton.cdiv(v, tile["depths"]), b

    forward_kernel[grid](
        padded, embeddings, offsets, shared, queries, outputs, height, width, padded_width,
        u * padded_height * padded_width, v, reduction, heads=h, k=k, padded_k=max(16, triton.next_power_of_2(k)),
        precision=fused_backward.precision(),
    )  # fmt: skip
    return outputs


@cache
def _offsets(
    u: int, rows: int, columns: int, padded_height: int, padded_width: int, length: int, device: torch.device
) -> Tensor:
    """Return how far each neighbour lies from a position's first, (length): 0 where the reduction is padded."""
    intra = torch.arange(u).view(-1, 1, 1) * (padded_height * padded_width)
    offsets = intra + torch.arange(rows).view(1, -1, 1) * padded_width + torch.arange(columns)
    return F.pad(offsets.flatten(), (0, length - offsets.numel())).to(torch.int32).to(device)


@fused_outputs.register_fake
def _(queries: Tensor, shared: Tensor, values: Tensor, near: Tensor) -> Tensor:
    b, h, _, n = queries.shape
    return values.new_empty(b, h, values.shape[1], n)


def _save(ctx: object, inputs: tuple[Tensor, ...], output: Tensor) -> None:
    ctx.save_for_backward(*inputs)  # type: ignore[attr-defined]


def _backward(ctx: object, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    queries, shared, values, near = ctx.saved_tensors  # type: ignore[attr-defined]
    gradient = gradient.contiguous()
    of_queries, of_values, of_near = fused_backward.gradients(gradient, queries, values, near)
    of_queries = of_queries + shared.transpose(1, 2).unsqueeze(1) @ gradient
    of_shared = (gradient @ queries.transpose(2, 3)).sum(1)
    return of_queries, of_shared, of_values, of_near


fused_outputs.register_autograd(_backward, setup_context=_save)


@register_flop_formula(torch.ops.lambda_arch.fused)
def _flops(queries: torch.Size, shared: object, values: torch.Size, near: torch.Size, *_: object, **__: object) -> int:
    b, h, k, n = queries
    reduction = -(-near[1] * near[2] * near[3] // CHUNK) * CHUNK
    return 2 * b * values[1] * k * n * (reduction + h)
