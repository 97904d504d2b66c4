"""Dropout and stochastic depth as hooks, so that parameters, module names and counts stay the same."""

from collections.abc import Iterator
from typing import Any

from torch import Tensor, nn
from torch.nn.functional import dropout

from lambda_arch.errors import SetupError
from lambda_arch.nn.efficientnet import MBConv
from lambda_arch.nn.resnet import Bottleneck


def regularize(network: nn.Module, *, drop: float = 0.0, drop_path: float = 0.0) -> None:
    """Add dropout and stochastic depth to ``network``, active while it trains.

    ``drop``: the rate of dropout before the classifier. ``drop_path``: the last block's rate of stochastic depth
    (Huang et al. 2016); rates rise linearly with depth, from 0.

    Raises :class:`lambda_arch.SetupError` for a network without residual branches to drop.
    """
    if drop_path:
        branches = list(residual_branches(network))
        if not branches:
            raise SetupError(
                f"drop_path={drop_path:g}: {getattr(network, 'architecture', type(network).__name__)} has no residual "
                f"blocks; expected drop_path=0"
            )
        for i, branch in enumerate(branches):
            rate = drop_path * i / max(1, len(branches) - 1)
            if rate:
                branch.register_forward_hook(DropPath(rate))
    if drop:
        network.get_submodule("head.fc").register_forward_pre_hook(Drop(drop))


def residual_branches(network: nn.Module) -> Iterator[nn.Module]:
    """Yield the last module of every residual branch, first to last."""
    for module in network.modules():
        if isinstance(module, Bottleneck):
            yield module.expand if module.se is None else module.se
        elif isinstance(module, MBConv) and module.shortcut:
            yield module.get_submodule("project")


class DropPath:
    """A hook that zeroes the output of a branch for random images and scales up the others."""

    def __init__(self, rate: float) -> None:
        self.rate = rate

    def __call__(self, module: nn.Module, inputs: Any, output: Tensor) -> Tensor | None:
        """Return the output (b, ...), with whole images dropped; unchanged in evaluation mode."""
        if not module.training:
            return None
        kept = output.new_empty(output.shape[0], *[1] * (output.ndim - 1)).bernoulli_(1 - self.rate)
        return output * kept.div_(1 - self.rate)


class Drop:
    """A hook that applies dropout to the input of a module."""

    def __init__(self, rate: float) -> None:
        self.rate = rate

    def __call__(self, module: nn.Module, inputs: tuple[Tensor]) -> Tensor | None:
        """Return the input after dropout; unchanged in evaluation mode."""
        return dropout(inputs[0], self.rate) if module.training else None
