"""The evaluations of a network's lambda layers: setting and listing them."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import nn

from lambda_arch.errors import SetupError
from lambda_arch.nn.evaluation import CANONICAL, Evaluation, LayerShape, macs, parse_evaluation
from lambda_arch.nn.lambda_layer import LambdaLayer
from lambda_arch.nn.prepared import PreparedLambdaLayer


@dataclass(frozen=True)
class Plan:
    """The evaluation of a lambda layer, with its path and shape, and its multiply-accumulates for ``shape.b`` images.

    ``macs`` are executed, ``canonical_macs`` are counted; both are of what lies between projections and output.
    """

    path: str
    shape: LayerShape
    evaluation: Evaluation
    macs: int
    canonical_macs: int


def lambda_layers(network: nn.Module) -> Iterator[tuple[str, LambdaLayer]]:
    """Yield the lambda layers of ``network`` with their paths.

    Raises SetupError for a prepared network, whose evaluations are fixed.
    """
    for path, module in network.named_modules():
        if isinstance(module, PreparedLambdaLayer):
            raise SetupError(f"{path or 'network'}: prepared, its evaluation is fixed; expected a network of `build`")
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
    """Set the ``evaluation`` of every lambda layer of ``network``; ``"auto"`` chooses one for each by a cost model.

    It chooses for ``batch_size`` images, a type of ``device`` (``cpu``, ``cuda``) and the ``dtype`` of products (that
    of autocast), by default the network's own, and for inference or ``training``.

    Raises SetupError for an unknown evaluation, and for a prepared network.
    """
    if isinstance(evaluation, str) and evaluation != "auto":
        evaluation = parse_evaluation(evaluation)
    for _, layer in lambda_layers(network):
        layer.set_evaluation(evaluation, batch_size, device, training, dtype)


def plans(network: nn.Module, batch_size: int = 1) -> list[Plan]:
    """Return the evaluation of each lambda layer of ``network``, with its MACs for ``batch_size`` images.

    Raises SetupError for a layer that does not know the size of its maps, and for a prepared network.
    """
    found = []
    for path, layer in lambda_layers(network):
        at = layer.layer_shape(batch_size)
        found.append(Plan(path, at, layer.evaluation, macs(layer.evaluation, at), macs(CANONICAL, at)))
    return found
