"""Shared by the counters that run a network: one row per module, with all that the module itself tells."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.utils._pytree import tree_leaves

from lambda_arch.arch import Architecture
from lambda_arch.costs.ledger import Row
from lambda_arch.nn.attention.augmented import Upsample

# modules that are element-wise or only reshape have no row
ELEMENTWISE = (nn.ReLU, nn.SiLU, nn.Sigmoid, nn.Flatten)
KINDS: dict[type[nn.Module], str] = {
    nn.BatchNorm2d: "norm",
    nn.Linear: "linear",
    nn.MaxPool2d: "max_pool",
    nn.AvgPool2d: "avg_pool",
    nn.AdaptiveAvgPool2d: "avg_pool",
    Upsample: "upsample",
}


@contextmanager
def shapes_of(network: nn.Module) -> Iterator[dict[str, tuple[int, ...]]]:
    """Collect the output shape of each module, by path, while the network runs; of several, the first."""
    shapes: dict[str, tuple[int, ...]] = {}

    def hook(path: str) -> Any:
        def record(module: nn.Module, inputs: Any, output: Any) -> None:
            first = next((each for each in tree_leaves(output) if isinstance(each, torch.Tensor)), None)
            if first is not None:
                shapes[path] = tuple(int(side) for side in first.shape)

        return record

    handles = [module.register_forward_hook(hook(path)) for path, module in network.named_modules()]
    try:
        yield shapes
    finally:
        for handle in handles:
            handle.remove()


def module_rows(network: nn.Module, shapes: Mapping[str, tuple[int, ...]]) -> Iterator[Row]:
    """Yield the row of every leaf module, without MACs; shared parameters count in the first module that has them."""
    counted: set[int] = set()
    for path, module in network.named_modules():
        if next(module.children(), None) is not None or isinstance(module, ELEMENTWISE):
            continue
        kind = "conv" if isinstance(module, nn.Conv2d) else KINDS.get(type(module), "matmul")
        params = sum(parameter.numel() for parameter in module.parameters() if id(parameter) not in counted)
        counted |= {id(parameter) for parameter in module.parameters()}
        yield Row(path, kind, shapes[path], params)


def image_for(architecture: Architecture, device: str) -> torch.Tensor:
    """Return a batch of one black image, (1, 3, S, S), for ``architecture``."""
    return torch.zeros(1, 3, architecture.image_size, architecture.image_size, device=device)
