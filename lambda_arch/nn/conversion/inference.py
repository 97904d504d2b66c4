"""Inference of the architecture from a state dict with our names."""

import re
from collections.abc import Mapping, Set
from dataclasses import replace
from typing import Any

from torch import Tensor

from lambda_arch.arch import BLOCKS, STAGES, Architecture, Block, Convolution, Lambda, MobileNet, ResNet, most_common
from lambda_arch.arch.mobilenet import LAMBDA
from lambda_arch.arch.mobilenet import LAYERS as MOBILENET_LAYERS
from lambda_arch.arch.resnet_tables import dashed
from lambda_arch.errors import DataError
from lambda_arch.nn.conversion.layout import POSITION, Layout

State = Mapping[str, Tensor]


def architecture_of(state: State, layout: Layout, global_layers: Set[str] = frozenset()) -> Architecture | None:
    """Return the architecture of ``state``, at its code's default image size; None for a single lambda layer.

    ``global_layers``: paths, each with a final dot, of the layers of global scope; the image size is inferred from
    them. Missing or misshapen layers are assumed to be like the others.

    Raises DataError for tensors of no known network.
    """
    if any(name.startswith("c2.") for name in state):
        return _resnet(state, layout, global_layers)
    if any(name.startswith("stem.conv") for name in state):
        return _mobilenet(state)
    if "queries.weight" in state:
        return None
    raise DataError("its tensors are of no known network; expected architecture=NAME")


def layer_of(state: State, *, is_global: bool) -> dict[str, Any]:
    """Return the arguments of :class:`lambda_arch.nn.LambdaLayer` for the state of a layer of lucidrains.

    Raises DataError if its projections or embeddings are missing.
    """
    layer = _lambda(state, "", bias=not is_global)
    queries, norm = state.get("queries.weight"), state.get("value_norm.weight")
    if layer is None or queries is None or queries.ndim != 4 or norm is None:
        raise DataError("expected the projections, norms and position embeddings of a lambda layer")
    dims = {"dim": queries.shape[1], "dim_out": norm.shape[0] // layer["u"] * layer["h"]}
    if is_global:
        layer |= {"m": "global", "size": (layer["m"] + 1) // 2}
    return {**dims, **layer}


def _resnet(state: State, layout: Layout, global_layers: Set[str]) -> ResNet:
    places = [re.match(r"c([2-5])\.(\d+)\.", name) for name in state]
    shape = tuple(max((int(p[2]) for p in places if p and int(p[1]) == i), default=0) for i in range(2, 6))
    depths = [depth for depth, blocks in BLOCKS.items() if blocks == shape]
    if not depths:
        raise DataError(f"blocks {dashed(shape)}: expected those of a known depth, such as 3-4-6-3")
    depth = layout.depth if layout.depth in depths else depths[0]
    found = {
        f"{stage}.{j}": _spatial(state, f"{stage}.{j}.spatial.", layout, global_layers)
        for stage, number in zip(STAGES, shape, strict=True)
        for j in range(1, number + 1)
    }
    known = [layer for layer in found.values() if layer is not None]
    usual = most_common(known) if known else Convolution()
    stages = tuple(
        tuple(Block(found[f"{stage}.{j}"] or usual) for j in range(1, number + 1))
        for stage, number in zip(STAGES, shape, strict=True)
    )
    plain = ResNet(depth, stages)
    fields = {"classes": _classes(state, plain.classes), **layout.network(plain)}
    network = ResNet(depth, stages, **fields)
    sizes = [_image_size(state, place, network) for place in sorted(global_layers) if f"{place}{POSITION}" in state]
    return replace(network, image_size=most_common(sizes)) if sizes else network


def _image_size(state: State, place: str, network: ResNet) -> int:
    """Return the image size for which the global embeddings at ``place``, such as ``c4.2.``, were made."""
    side: int = (state[f"{place}{POSITION}"].shape[-1] + 1) // 2
    large = 2**12  # every stride halves it exactly
    part = next(part for part in network.parts(large) if place.startswith(f"{part.path}."))
    return side * (large // part.size)


def _mobilenet(state: State) -> MobileNet:
    letters, layers = "C", []
    for number in range(1, len(MOBILENET_LAYERS) + 1):
        own = [name for name in state if name.startswith(f"layer{number}.")]
        is_block = any(".depthwise." in name or ".pointwise." in name for name in own)
        letters += "C" if is_block else "L" if own else "-"
        layer = _lambda(state, f"layer{number}.", bias=True)
        if layer is not None:
            layers.append(Lambda(**layer))
    usual = most_common(layers) if layers else LAMBDA
    return MobileNet(letters, usual, classes=_classes(state, 100))


def _spatial(state: State, prefix: str, layout: Layout, global_layers: Set[str]) -> Convolution | Lambda | None:
    if f"{prefix}conv.weight" in state:
        return Convolution()
    is_global = f"{prefix}lambdas." in global_layers
    layer = _lambda(state, f"{prefix}lambdas.", bias=layout.lambda_bias and not is_global)
    return None if layer is None else Lambda(**layer | ({"m": "global"} if is_global else {}))


def _lambda(state: State, prefix: str, *, bias: bool) -> dict[str, Any] | None:
    position, norm = state.get(f"{prefix}position.weight"), state.get(f"{prefix}query_norm.weight")
    if position is None or norm is None or position.ndim != 4 or norm.shape[0] % position.shape[0]:
        return None
    k, u, _, m = position.shape
    return {"k": k, "h": norm.shape[0] // k, "u": u, "m": m, "bias": bias}


def _classes(state: State, usual: int) -> int:
    head = state.get("head.fc.weight")
    return usual if head is None or not head.ndim else head.shape[0]
