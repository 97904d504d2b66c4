"""Which evaluation each lambda layer of a network computes by: setting it, and seeing it."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import nn

from lambda_arch.nn.evaluation import CANONICAL, Evaluation, LayerShape, macs
from lambda_arch.nn.lambda_layer import LambdaLayer


@dataclass(frozen=True)
class Plan:
    """What a lambda layer computes by: ``path``, sizes, evaluation, and multiply-accumulates for ``shape.b`` images.

    ``macs`` are those that run, ``canonical_macs`` those that are counted; of what lies between projections and output.
    """

    path: str
    shape: LayerShape
    evaluation: Evaluation
    macs: int
    canonical_macs: int


def lambda_layers(network: nn.Module) -> Iterator[tuple[str, LambdaLayer]]:
    """Yield the lambda layers of ``network`` with their paths."""
    for path, module in network.named_modules():
        if isinstance(module, LambdaLayer):
            yield path, module


def set_evaluation(
    network: nn.Module,
    evaluation: Evaluation | str,
    batch_size: int = 1,
    device: str | None = None,
    training: bool = False,
    dtype: torch.dtype | None = None,
) -> None:
    """Compute every lambda layer of ``network`` by ``evaluation``; ``"auto"`` chooses for each by a cost model.

    It chooses for ``batch_size`` images on a ``device`` of that type (``cpu``, ``cuda``) and products in ``dtype``
    (that of autocast), the network's own unless given, for inference or ``training``.

    Raises SetupError for an evaluation that there is not.
    """
    for _, layer in lambda_layers(network):
        layer.set_evaluation(evaluation, batch_size, device, training, dtype)


def plans(network: nn.Module, batch_size: int = 1) -> list[Plan]:
    """Return what each lambda layer of ``network`` computes by, and its cost for ``batch_size`` images."""
    found = []
    for path, layer in lambda_layers(network):
        at = layer.layer_shape(batch_size)
        found.append(Plan(path, at, layer.evaluation, macs(layer.evaluation, at), macs(CANONICAL, at)))
    return found
