"""Layouts: how a code base names, orders and shapes the weights of its networks."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from lambda_arch.arch import ResNet
from lambda_arch.errors import DataError

POSITION = "position.weight"
EMBEDDINGS = "position.embeddings"  # of global scope, as lucidrains and timm keep them: (2n-1, 2n-1, k, u) or without u


@dataclass(frozen=True)
class Layout:
    """How a code base stores its weights.

    - ``rename``: returns our name of one of its tensors, or None if it has no such tensor
    - ``network``: returns, for a ResNet of the depth and layers that were found, the other fields of the architecture
    - ``lambda_bias``: whether its local position lambdas have a bias
    - ``u_first``: whether key and value channels are ordered (u, k) and (u, v), not (k, u) and (v, u) as ours
    - ``u_mixed``: whether content lambdas take value channels in another order than position lambdas, so that only
      u = 1 is a lambda layer
    - ``depth``: what it calls the network of 2-2-2-2 blocks; ``example``: a name that only this code base has
    """

    name: str
    source: str
    example: str
    rename: Callable[[str], str | None]
    u_first: bool = True
    u_mixed: bool = False
    lambda_bias: bool = True
    network: Callable[[ResNet], Mapping[str, Any]] = lambda plain: {}
    depth: int = 18


def by_table(name: str, table: Mapping[str, str]) -> str | None:
    """Return our name for ``name``, which ``table`` has for the tensor itself or for its module."""
    if name in table:
        return table[name]
    module, _, leaf = name.rpartition(".")
    return f"{table[module]}.{leaf}" if module in table else None


def numbered_names(
    pattern: str, place: Callable[[re.Match[str]], str], network: Mapping[str, str], block: Mapping[str, str]
) -> Callable[[str], str | None]:
    """Return a ``rename`` for a network of numbered blocks; the tables map module names.

    ``pattern`` matches names inside blocks, and its group ``inside`` the part after the block's own name; ``place``
    returns our name of the matched block.
    """

    def rename(name: str) -> str | None:
        matched = re.fullmatch(pattern, name)
        if not matched:
            return by_table(name, network)
        ours = by_table(matched["inside"], block)
        return ours and f"{place(matched)}.{ours}"

    return rename


def resnet_names(network: Mapping[str, str], block: Mapping[str, str]) -> Callable[[str], str | None]:
    """Return a ``rename`` for a ResNet whose ``layer1.0`` is our ``c2.1``; the tables map module names."""
    return numbered_names(
        r"layer([1-4])\.(\d+)\.(?P<inside>.+)", lambda m: f"c{int(m[1]) + 1}.{int(m[2]) + 1}", network, block
    )


def reshape_layers(state: dict[str, Tensor], layout: Layout) -> dict[str, Tensor]:
    """Return ``state``, already with our names, with the tensors of its lambda layers in our order and shape.

    A ``qkv`` projection is split into queries, keys and values. Tensors of unexpected shape are left as they are.

    Raises DataError for a layer that is not a lambda layer.
    """
    result = dict(state)
    for name, tensor in state.items():
        if name.endswith(EMBEDDINGS) and tensor.ndim in (3, 4):
            embeddings = tensor if tensor.ndim == 4 else tensor.unsqueeze(3)
            result[name.removesuffix(EMBEDDINGS) + POSITION] = embeddings.permute(2, 3, 0, 1)
            del result[name]
    for name in list(result):
        if name.endswith(POSITION):
            _reshape_layer(result, name.removesuffix(POSITION), layout)
    return result


def _reshape_layer(state: dict[str, Tensor], layer: str, layout: Layout) -> None:
    position = state[layer + POSITION]
    if position.ndim == 5 and position.shape[2] == 1:  # a 3D convolution of one slice
        position = position.squeeze(2)
        if layout.u_mixed and position.shape[1] > 1:
            raise DataError(
                f"{layer.rstrip('.')}: u={position.shape[1]}, where {layout.name}'s code takes the value channels "
                f"in two different orders; expected u=1, which is a lambda layer"
            )
    elif position.ndim == 5 and position.shape[4] == 1:  # the same, with the slice last
        position = position.squeeze(4)
    elif position.ndim == 2:  # a 1x1 scope
        position = position[:, :, None, None]
    if position.ndim != 4:
        return
    state[layer + POSITION] = position
    k, u = position.shape[:2]
    fused = state.get(f"{layer}qkv.weight")
    norm = state.get(f"{layer}query_norm.weight")
    if fused is not None and norm is not None and fused.shape[0] > norm.shape[0] + k * u:
        del state[f"{layer}qkv.weight"]
        parts = torch.split(fused, [norm.shape[0], k * u, fused.shape[0] - norm.shape[0] - k * u])
        state |= {
            f"{layer}{part}.weight": value for part, value in zip(("queries", "keys", "values"), parts, strict=True)
        }
    if layout.u_first and u > 1:
        for name in ("keys.weight", *(n.removeprefix(layer) for n in state if n.startswith(f"{layer}value"))):
            tensor = state.get(layer + name)
            if tensor is not None and tensor.ndim and tensor.shape[0] % u == 0:
                state[layer + name] = tensor.reshape(u, -1, *tensor.shape[1:]).transpose(0, 1).flatten(0, 1)
