"""What a layout is: how one code base names, orders and shapes the weights of its networks."""

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
    """How one code base keeps its weights.

    ``rename`` turns one of its names into ours, or into None where it has no such tensor. ``network`` gives, for a
    ResNet of the depth and layers that were found, what all its networks of these have besides, as fields of the
    architecture; and ``lambda_bias`` whether its local position lambdas have a bias.
    ``u_first``: key and value channels are ordered (u, k) and (u, v), ours (k, u) and (v, u). ``u_mixed``: content
    lambdas read the value channels in another order than position lambdas do, so that only u = 1 is a lambda layer.
    ``depth`` is what it calls the network of 2-2-2-2 blocks. ``example`` is a name that only this code base has.
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
    """Return our name for ``name``: its own, or that of the module it is in, replaced as ``table`` says."""
    if name in table:
        return table[name]
    module, _, leaf = name.rpartition(".")
    return f"{table[module]}.{leaf}" if module in table else None


def numbered_names(
    pattern: str, place: Callable[[re.Match[str]], str], network: Mapping[str, str], block: Mapping[str, str]
) -> Callable[[str], str | None]:
    """Return a ``rename`` for a network of numbered blocks; the tables are of module names.

    ``pattern`` matches the names inside blocks, its group ``inside`` what follows the block's own name; ``place`` is
    our name of the block that it matched.
    """

    def rename(name: str) -> str | None:
        matched = re.fullmatch(pattern, name)
        if not matched:
            return by_table(name, network)
        ours = by_table(matched["inside"], block)
        return ours and f"{place(matched)}.{ours}"

    return rename


def resnet_names(network: Mapping[str, str], block: Mapping[str, str]) -> Callable[[str], str | None]:
    """Return a ``rename`` for a ResNet whose ``layer1.0`` is our ``c2.1``; the tables are of module names."""
    return numbered_names(
        r"layer([1-4])\.(\d+)\.(?P<inside>.+)", lambda m: f"c{int(m[1]) + 1}.{int(m[2]) + 1}", network, block
    )


def reshape_layers(state: dict[str, Tensor], layout: Layout) -> dict[str, Tensor]:
    """Return ``state``, already in our names, with the tensors of its lambda layers in our orders and shapes.

    A ``qkv`` projection becomes queries, keys and values. What has not the shape that this needs is left as it is.

    Raises DataError for a layer that computes what none of ours does.
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
                f"in two orders at once; expected u=1, which is a lambda layer"
            )
    elif position.ndim == 5 and position.shape[4] == 1:  # the same, its slice last
        position = position.squeeze(4)
    elif position.ndim == 2:  # of a position's own value alone: an embedding for each of (k, u)
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
