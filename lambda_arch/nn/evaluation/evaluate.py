"""One lambda layer between its projections and its output, by any evaluation."""

from math import prod

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from lambda_arch.nn.evaluation import convolution, fft, matrix, queries_first
from lambda_arch.nn.evaluation.apply import apply_queries
from lambda_arch.nn.evaluation.names import Evaluation
from lambda_arch.nn.evaluation.problem import Problem

GATHERED = {"matrix": matrix.maps, "queries_first": queries_first.maps}


def maps(evaluation: Evaluation, kernel: Tensor, height: int, width: int) -> Tensor | None:
    """Return what ``evaluation`` gathers from the embeddings for a map's size, to be kept; None where it does not."""
    gather = GATHERED.get(evaluation.order)
    return None if gather is None else gather(kernel, height, width)


def evaluate(
    evaluation: Evaluation,
    queries: Tensor,
    weights: Tensor | None,
    values: Tensor,
    kernel: Tensor | None,
    bias: Tensor | None = None,
    maps: Tensor | None = None,
) -> Tensor:
    """Return outputs (b, h, v, n).

    ``queries`` (b, h, k, n); ``weights`` the softmaxed keys (b, k, u, n), or None without content lambdas; ``values``
    (b, v, u, H, W); ``kernel`` the embeddings (k, u, rows, columns), or None without position lambdas; ``bias`` (k);
    ``maps`` what the order gathers from the embeddings, where that is at hand. The canonical order is the
    convolution's here. Under float16 autocast outputs are float32, where they do not overflow.
    """
    run = _queries_first if evaluation.order == "queries_first" else _with_lambdas
    arguments = (evaluation, queries, weights, values, kernel, bias, maps)
    if evaluation.recompute and torch.is_grad_enabled():
        outputs: Tensor = checkpoint(run, *arguments, use_reentrant=False)
    else:
        outputs = run(*arguments)
    # under autocast what follows takes float32; a network that is float16 itself would not
    if outputs.dtype == queries.dtype or torch.is_autocast_enabled(queries.device.type):
        return outputs
    return outputs.to(queries.dtype)


def _with_lambdas(
    evaluation: Evaluation,
    queries: Tensor,
    weights: Tensor | None,
    values: Tensor,
    kernel: Tensor | None,
    bias: Tensor | None,
    maps: Tensor | None,
) -> Tensor:
    shared = None  # what all positions of an image share, (b, v, k, 1): it is added before queries are applied, once
    if weights is not None:
        shared = torch.bmm(values.flatten(2), weights.flatten(2).transpose(1, 2)).unsqueeze(-1)
    if bias is not None:
        row = bias.to(values.dtype).view(1, 1, -1, 1)
        shared = row if shared is None else shared + row
    if kernel is None:
        assert shared is not None  # a layer has content or position lambdas
        return _apply_shared(queries, shared.squeeze(-1))
    if evaluation.order == "matrix":
        lambdas = matrix.lambdas(values, matrix.maps(kernel, *values.shape[-2:]) if maps is None else maps)
    else:
        lambdas = (fft if evaluation.order == "fft" else convolution).lambdas(values, kernel)
    if shared is not None:
        lambdas = lambdas + shared
    return apply_queries(evaluation.apply, queries, lambdas)


def _queries_first(
    evaluation: Evaluation,
    queries: Tensor,
    weights: Tensor | None,
    values: Tensor,
    kernel: Tensor | None,
    bias: Tensor | None,
    maps: Tensor | None,
) -> Tensor:
    if kernel is None:
        return _with_lambdas(evaluation, queries, weights, values, None, bias, None)
    embeddings = queries_first.maps(kernel, *values.shape[-2:]) if maps is None else maps
    attention = queries_first.position_attention(queries, embeddings)
    if weights is not None:
        attention = attention + queries_first.content_attention(queries, weights)
    if queries.dtype == torch.float16:  # outputs may overflow, see apply_queries
        with torch.autocast(queries.device.type, enabled=False):
            outputs = queries_first.times_values(attention.float(), values.float())
    else:
        outputs = queries_first.times_values(attention, values)
    if bias is not None:
        outputs = outputs + (queries * bias.to(queries.dtype).view(-1, 1)).sum(2, keepdim=True)
    return outputs


def _apply_shared(queries: Tensor, lambdas: Tensor) -> Tensor:
    """Return (b, h, v, n) from queries (b, h, k, n) and one lambda (b, v, k) an image."""
    per_head = lambdas.unsqueeze(1).expand(-1, queries.shape[1], -1, -1)
    if queries.dtype == torch.float16:
        with torch.autocast(queries.device.type, enabled=False):
            return torch.matmul(per_head.float(), queries.float())
    return torch.matmul(per_head, queries)


def macs(evaluation: Evaluation, at: Problem) -> int:
    """Return the multiply-accumulates that an evaluation executes between projections and output (an FFT's estimated).

    Position lambdas that take the content lambdas in are applied once instead of twice.
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
            + at.b * at.v * at.k * at.u * at.n * (at.n if at.everywhere else prod(at.scope))
            + apply * (1 + at.content)
        )
    position = {"convolution": convolution.macs, "matrix": matrix.macs, "fft": fft.macs}[evaluation.order](at)
    return form + position + apply
