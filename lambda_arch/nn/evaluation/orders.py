"""A lambda layer between its projections and its output, computed by any evaluation."""

from collections.abc import Callable
from functools import partial
from math import prod

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from lambda_arch.arch.evaluation import Evaluation
from lambda_arch.nn.evaluation import convolution, fft, folded, fused, matrix, queries_first
from lambda_arch.nn.evaluation.apply import apply_queries, by_position
from lambda_arch.nn.evaluation.layer_shape import LayerShape
from lambda_arch.nn.image_groups import images_at_a_time

GATHERED: dict[str, Callable[..., Tensor]] = {
    "folded": folded.maps,
    "matrix": matrix.maps,
    "queries_first": queries_first.maps,
    "fft": fft.maps,
}

POSITION_MACS: dict[str, Callable[..., int]] = {
    "convolution": convolution.macs,
    "folded": folded.macs,
    "matrix": matrix.macs,
    "fft": fft.macs,
    "fused": fused.macs,
}

LARGEST: dict[str, Callable[..., int]] = {
    "folded": folded.largest,
    "fft": fft.largest,
    "queries_first": queries_first.largest,
}


def maps(evaluation: Evaluation, kernel: Tensor, height: int, width: int) -> Tensor | None:
    """Return the maps that ``evaluation`` gathers from the embeddings for a map's size; None if it gathers none."""
    gather = GATHERED.get(evaluation.order)
    return None if gather is None else gather(kernel, height, width, **_fold(evaluation))


def _fold(evaluation: Evaluation) -> dict[str, str]:
    """Return the keyword of the functions of the folded order; no other has a fold."""
    return {"fold": evaluation.fold} if evaluation.fold else {}


def evaluate(
    evaluation: Evaluation,
    queries: Tensor,
    weights: Tensor | None,
    values: Tensor,
    kernel: Tensor | None,
    bias: Tensor | None = None,
    gathered: Tensor | None = None,
) -> Tensor:
    """Return outputs (b, h, v, n).

    ``queries`` (b, h, k, n); ``weights`` the softmaxed keys (b, k, u, n), or None without content lambdas; ``values``
    (b, v, u, H, W); ``kernel`` the embeddings (k, u, rows, columns), or None without position lambdas; ``bias`` (k);
    ``gathered`` the maps of the order (:func:`maps`), if they are already there. Canonical means convolution here.
    Under float16 autocast outputs are float32, because they may overflow.
    """
    run = partial(_run, evaluation)
    if evaluation.recompute and torch.is_grad_enabled():
        run = partial(checkpoint, run, use_reentrant=False)
    elif gathered is None and kernel is not None:
        gathered = maps(evaluation, kernel, *values.shape[-2:])
    size = _group(evaluation, queries, values, kernel)
    if size >= queries.shape[0]:
        outputs: Tensor = run(queries, weights, values, kernel, bias, gathered)
    else:
        of_weights = [None] * -(-len(queries) // size) if weights is None else torch.split(weights, size)
        groups = zip(torch.split(queries, size), of_weights, torch.split(values, size), strict=True)
        outputs = torch.cat([run(*group, kernel, bias, gathered) for group in groups])
    # under autocast the following modules take float32; those of a float16 network would not
    if outputs.dtype == queries.dtype or torch.is_autocast_enabled(queries.device.type):
        return outputs
    return outputs.to(queries.dtype)


def _group(evaluation: Evaluation, queries: Tensor, values: Tensor, kernel: Tensor | None) -> int:
    """Return how many images to evaluate at once."""
    b, h, k, _ = queries.shape
    if kernel is None:
        return b
    v, u, height, width = values.shape[1:]
    at = LayerShape(1, height, width, h, k, u, v, (kernel.shape[2], kernel.shape[3]))
    largest = LARGEST.get(evaluation.order, _lambdas)(at, **_fold(evaluation))
    return images_at_a_time(queries, largest * max(4, values.element_size()))


def _lambdas(at: LayerShape) -> int:
    return at.v * at.k * at.n


def _run(
    evaluation: Evaluation,
    queries: Tensor,
    weights: Tensor | None,
    values: Tensor,
    kernel: Tensor | None,
    bias: Tensor | None,
    gathered: Tensor | None,
) -> Tensor:
    if gathered is None and kernel is not None:
        gathered = maps(evaluation, kernel, *values.shape[-2:])
    if evaluation.order == "queries_first" and gathered is not None:
        return _queries_first(queries, weights, values, gathered, bias)
    shared = _shared(weights, values, bias)
    if kernel is None:
        assert shared is not None  # a layer has content or position lambdas
        return _apply_shared(queries, shared)
    if evaluation.order == "fused":
        return fused.outputs(queries, shared, values, kernel)
    if evaluation.order == "matrix" and gathered is not None:
        lambdas = matrix.lambdas(values, gathered)
    elif evaluation.order == "folded" and gathered is not None:
        lambdas = folded.lambdas(values, kernel, gathered, evaluation.fold)
        if lambdas.device.type == "cpu":  # the channels of its convolution come last, so few that sums are slow
            lambdas = by_position(lambdas) if evaluation.apply == "product" else lambdas.contiguous()
    elif evaluation.order == "fft" and gathered is not None:
        lambdas = fft.lambdas(values, kernel, gathered)
    else:
        lambdas = convolution.lambdas(values, kernel)
    if shared is not None:
        lambdas += shared.unsqueeze(-1)  # every order writes them anew
    return apply_queries(evaluation.apply, queries, lambdas)


def _shared(weights: Tensor | None, values: Tensor, bias: Tensor | None) -> Tensor | None:
    """Return the lambdas (b, v, k) that all positions of an image share: content lambdas and bias."""
    shared = None if weights is None else torch.bmm(values.flatten(2), weights.flatten(2).transpose(1, 2))
    if bias is None:
        return shared
    row = bias.to(values.dtype)
    return row.expand(*values.shape[:2], -1) if shared is None else shared + row


def _queries_first(
    queries: Tensor, weights: Tensor | None, values: Tensor, gathered: Tensor, bias: Tensor | None
) -> Tensor:
    attention = queries_first.position_attention(queries, gathered)
    if weights is not None:
        attention = queries_first.content_attention(queries, weights).add_(attention)
    if queries.dtype == torch.float16:  # outputs may overflow, see apply_queries
        with torch.autocast(queries.device.type, enabled=False):
            outputs = queries_first.times_values(attention.float(), values.float())
    else:
        outputs = queries_first.times_values(attention, values)
    if bias is not None:
        outputs = outputs + (queries * bias.to(queries.dtype).view(-1, 1)).sum(2, keepdim=True)
    return outputs


def _apply_shared(queries: Tensor, lambdas: Tensor) -> Tensor:
    """Return (b, h, v, n) from queries (b, h, k, n) and one lambda (b, v, k) per image."""
    per_head = lambdas.unsqueeze(1).expand(-1, queries.shape[1], -1, -1)
    if queries.dtype == torch.float16:
        with torch.autocast(queries.device.type, enabled=False):
            return torch.matmul(per_head.float(), queries.float())
    return torch.matmul(per_head, queries)


def macs(evaluation: Evaluation, at: LayerShape) -> int:
    """Return the multiply-accumulates of an evaluation between projections and output (for an FFT, an estimate).

    Except in the canonical order, content and position lambdas are added and applied once instead of twice.
    """
    form = at.b * at.k * at.u * at.v * at.n if at.content else 0
    apply = at.b * at.h * at.k * at.v * at.n
    if at.scope is None:
        return form + apply
    if evaluation.order == "queries_first":
        return queries_first.macs(at)
    if evaluation.order == "canonical":
        return (
            form
            + at.b * at.v * at.k * at.u * at.n * (at.n if at.global_scope else prod(at.scope))
            + apply * (1 + at.content)
        )
    return form + POSITION_MACS[evaluation.order](at, **_fold(evaluation)) + apply
