"""A network without its head, for detectors and the like: images to the maps of some stages."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from lambda_arch.arch.stages import stages
from lambda_arch.errors import ArchitectureError, did_you_mean
from lambda_arch.nn.network import Network


class Backbone(nn.Module):
    """The stages of a network up to the last of ``features``: images (b, 3, H, W) to maps by name.

    The maps are a dict in the network's order, each (b, channels, H / stride, W / stride), rounded up. ``features`` are
    names of stages, ``channels`` and ``strides`` those of their maps, in the same order. H and W are any for local
    scopes; a map over the size that global embeddings were built for raises ArchitectureError.

    Its modules are those of ``network``, with their paths, so the state dict of the classifier can be loaded; its head
    and the stages above the last feature are left out.

    Raises ArchitectureError for features that are no stages.
    """

    def __init__(self, network: Network, features: Sequence[str]) -> None:
        super().__init__()
        known = stages(network.architecture)
        chosen = _chosen(features, list(known), str(network.architecture))
        self.architecture = network.architecture
        self.features = tuple(name for name in known if name in chosen)
        self.channels = tuple(known[name].channels for name in self.features)
        self.strides = tuple(known[name].stride for name in self.features)
        children = list(network.named_children())
        kept = 1 + [name for name, _ in children].index(self.features[-1])
        self._left_out = tuple(f"{name}." for name, _ in children[kept:])
        for name, module in children[:kept]:
            self.add_module(name, module)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Return the maps of the features for images x (b, 3, H, W), by name."""
        maps = {}
        for name, module in self.named_children():
            x = module(x)
            if name in self.features:
                maps[name] = x
        return maps

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        for name in list(state_dict):
            if name.removeprefix(prefix).startswith(self._left_out):
                del state_dict[name]
        super()._load_from_state_dict(state_dict, prefix, *args)


def _chosen(features: Sequence[str], known: list[str], architecture: str) -> Sequence[str]:
    expected = f"expected some of {', '.join(known)}"
    if isinstance(features, str) or not features:
        raise ArchitectureError(f"features={features!r}: {expected}, such as {(known[-1],)}")
    for name in features:
        if name not in known:
            raise ArchitectureError(
                f"features={name}: no stage of {architecture}{did_you_mean(str(name), known)}; {expected}"
            )
    if len(set(features)) < len(features):
        raise ArchitectureError(f"features={','.join(features)}: expected every stage once")
    return features
