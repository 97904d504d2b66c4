"""Other people's lambda layers with our layer's weights, so that outputs can be compared before anything is timed.

Checkouts of public repositories, or their file with the layer, are named on the command line; nothing of them is kept
here.
"""

import copy
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import torch
from torch import nn

from lambda_arch.nn import LambdaLayer

Adapter = Callable[[LambdaLayer], nn.Module]


def from_pypi(layer: LambdaLayer) -> nn.Module:
    """Return the layer of PyPI's lambda-networks; it orders keys (u, k) and values (u, v)."""
    from lambda_networks import LambdaLayer as Peer

    peer = Peer(dim=layer.queries.in_channels, dim_k=layer.k, heads=layer.h, dim_u=layer.u, r=_scope(layer))
    peer.to_q.load_state_dict(layer.queries.state_dict())
    _fill(peer.to_k.weight, _swapped(layer.keys.weight, layer.k))
    _fill(peer.to_v.weight, _swapped(layer.values.weight, layer.v))
    _norms(layer, peer.norm_q, peer.norm_v)
    _fill(peer.pos_conv.weight, layer.position.weight.unsqueeze(2))
    nn.init.zeros_(peer.pos_conv.bias)
    return peer


def from_d_li14(path: Path) -> Adapter:
    """Return the adapter of d-li14/lambda.pytorch, a checkout or its lambda_layer.py; orders as in lambda-networks."""
    module = _load(path / "lambda_layer.py" if path.is_dir() else path)

    def adapt(layer: LambdaLayer) -> nn.Module:
        peer = module.LambdaLayer(layer.queries.in_channels, layer.k, layer.u, layer.h, r=_scope(layer))
        parts = [layer.queries.weight, _swapped(layer.keys.weight, layer.k), _swapped(layer.values.weight, layer.v)]
        _fill(peer.conv_qkv.weight, torch.cat(parts))
        _norms(layer, peer.norm_q, peer.norm_v)
        _fill(peer.lambda_conv.weight, layer.position.weight.unsqueeze(2))
        nn.init.zeros_(peer.lambda_conv.bias)
        return peer

    return adapt


def from_leaderj1001(path: Path) -> Adapter:
    """Return the adapter of leaderj1001/LambdaNetworks, a checkout or its model.py (u = 1, where orders are ours)."""
    module = _load(path / "model.py" if path.is_dir() else path)

    def adapt(layer: LambdaLayer) -> nn.Module:
        channels = layer.queries.in_channels
        peer = module.LambdaConv(channels, channels, layer.h, layer.k, layer.u, _scope(layer))
        peer.queries[0].load_state_dict(layer.queries.state_dict())
        peer.keys[0].load_state_dict(layer.keys.state_dict())
        peer.values[0].load_state_dict(layer.values.state_dict())
        _norms(layer, peer.queries[1], peer.values[1])
        _fill(peer.embedding, layer.position.weight.unsqueeze(2))
        return peer

    return adapt


def with_layers(network: nn.Module, adapt: Adapter) -> nn.Module:
    """Return a copy of ``network`` whose lambda layers are replaced by ``adapt``'s."""
    replaced = copy.deepcopy(network)
    for path, module in list(replaced.named_modules()):
        if isinstance(module, LambdaLayer):
            parent, _, name = path.rpartition(".")
            setattr(replaced.get_submodule(parent), name, adapt(module))
    return replaced


def _scope(layer: LambdaLayer) -> int:
    return layer.position.weight.shape[-1]


def _swapped(weight: torch.Tensor, depth: int) -> torch.Tensor:
    """Reorder output channels from (depth, u) to (u, depth)."""
    return weight.unflatten(0, (depth, -1)).transpose(0, 1).flatten(0, 1)


def _fill(parameter: nn.Parameter, value: torch.Tensor) -> None:
    with torch.no_grad():
        parameter.copy_(value)


def _norms(layer: LambdaLayer, queries: nn.Module, values: nn.Module) -> None:
    queries.load_state_dict(layer.query_norm.state_dict())
    state = layer.value_norm.state_dict()
    values.load_state_dict({n: _swapped(t, layer.v) if t.ndim else t for n, t in state.items()})


def _load(path: Path) -> ModuleType:
    name = f"peer_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise SystemExit(f"{path}: expected a checkout with this file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    sys.path.insert(0, str(path.parent))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(path.parent))
    return module
