"""The network of any architecture: one module per part of the walk, in order."""

import torch
from torch import Tensor, nn

from lambda_arch.arch import Architecture
from lambda_arch.arch.kinds import MODULES, find
from lambda_arch.errors import SetupError
from lambda_arch.nn import efficientnet, mobilenet, resnet  # noqa: F401  they register their modules
from lambda_arch.nn.lambda_layer import GlobalPosition, LambdaLayer, LocalPosition

Position = LocalPosition | GlobalPosition


class Network(nn.Module):
    """The network of an ``architecture``: images (b, 3, S, S) to logits (b, classes).

    Modules have the paths of the parts, counted from 1 as in names of architectures: ``c4.3`` is the third block of c4,
    ``layer12`` the twelfth layer of MobileNet-v1, even if others are removed. Dropout and stochastic depth belong to
    training recipes.
    """

    stem: nn.Module
    head: nn.Module

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        owners: dict[int | None, Position] = {}
        for part in architecture.parts():
            module = find(MODULES, part)(part)
            for layer in module.modules():
                if isinstance(layer, LambdaLayer) and layer.position is not None:
                    if part.owns_embeddings:
                        owners[part.stage] = layer.position
                    else:
                        share_embeddings(owners[part.stage], layer.position)
            outer, _, name = part.path.rpartition(".")
            if outer and not hasattr(self, outer):
                self.add_module(outer, nn.Sequential())
            self.get_submodule(outer).add_module(name, module)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (b, classes) for images x (b, 3, H, W)."""
        for module in self.children():
            x = module(x)
        return x


def share_embeddings(owner: Position, other: Position) -> None:
    """Give ``other`` the position embeddings of ``owner``, whose map is as large or larger."""
    other.weight, other.bias = owner.weight, owner.bias
    if isinstance(other, GlobalPosition) and isinstance(owner, GlobalPosition):
        other.size = owner.size


def check_device(device: str) -> None:
    """Raise SetupError for a device that this machine or this torch does not have."""
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise SetupError(f"device={device}: expected a GPU that torch can use; there is none, device=cpu works")
