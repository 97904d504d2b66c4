"""Memory of attention and lambda maps: the LambdaNetworks paper's accounting, and what torch saves for backward.

The paper's (Bello, ICLR 2021, Table 4): of each layer only what grows with the square of its n positions (or with
n * sqrt(n), axially), n being the positions of the layer's output. Self-attention keeps b*h*n*n weights for a batch of
b images and h heads; axial attention b*h*n*sqrt(n), twice, once an axis; a lambda layer k*n*n relative embeddings,
whatever the batch, once per stage where the layers of a stage share them.
"""

from typing import TYPE_CHECKING

from lambda_arch.arch import (
    STAGES,
    Architecture,
    ArchitectureError,
    AugmentedConvolution,
    AxialAttention,
    Bottleneck,
    GlobalAttention,
    Lambda,
    LocalAttention,
    Part,
    ResNet,
    halve,
)
from lambda_arch.arch.checks import check_whole
from lambda_arch.costs.peak import ELEMENT_BYTES

if TYPE_CHECKING:
    from torch import Tensor, nn

PAPER_BATCH = 128


def map_bytes(architecture: Architecture, batch_size: int = PAPER_BATCH, *, stages: tuple[str, ...] = ()) -> int:
    """Return the bytes of the maps of ``architecture`` at full precision, by the paper's formulas.

    Embeddings that the lambda layers of a stage share count once. ``stages``: only those, such as ``("c2",)``. Layers
    that keep no such map (convolutions, double attention) count as zero.
    """
    inside = [part for part in architecture.parts() if not stages or part.path.partition(".")[0] in stages]
    return sum(_map_elements(part, batch_size) for part in inside) * ELEMENT_BYTES


def _map_elements(part: Part, batch_size: int) -> int:
    layer = part.settings.block.layer if isinstance(part.settings, Bottleneck) else part.settings
    size, positions = part.size_out, part.size_out**2
    if isinstance(layer, GlobalAttention):
        return batch_size * layer.heads * positions * positions
    if isinstance(layer, AxialAttention):
        return 2 * batch_size * layer.heads * positions * size
    if isinstance(layer, AugmentedConvolution):
        side = halve(size) if layer.downsample else size
        return batch_size * layer.heads * side**4
    if isinstance(layer, LocalAttention):
        return batch_size * layer.heads * positions * layer.extent**2
    if isinstance(layer, Lambda) and layer.position and part.owns_embeddings:
        context = positions if layer.m == "global" else min(layer.m**2, positions)
        return layer.k * positions * context
    return 0


def saved_bytes(module: "nn.Module", image: "Tensor") -> int:
    """Return the bytes of what torch keeps for the backward pass of ``module`` on ``image``, its parameters apart.

    Each storage counts once, in full, however many operations saved it; ``image`` itself counts when it is saved.
    Tensors on the meta device give the figure of the CPU's operations, without the memory or the time.
    """
    import torch

    own = {parameter.untyped_storage()._cdata for parameter in module.parameters()}
    saved: dict[int, torch.UntypedStorage] = {}  # keeps them alive: an address is not used twice

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in own:
            saved[storage._cdata] = storage
        return tensor

    with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        output = module(image)
        del output
    return sum(int(storage.nbytes()) for storage in saved.values())


def stage_saved_bytes(architecture: ResNet, stage: str = "c2", batch_size: int = PAPER_BATCH) -> int:
    """Return :func:`saved_bytes` of one stage of the network in training, for a batch of images, on the meta device."""
    import torch

    from lambda_arch.nn import build

    if stage not in STAGES:
        raise ArchitectureError(f"{stage}: expected a stage from c2 to c5")
    check_whole("batch_size", batch_size, PAPER_BATCH)
    network = build(architecture, device="meta").train()
    before = [network.stem, *(network.get_submodule(name) for name in STAGES[: STAGES.index(stage)])]
    size = architecture.image_size
    x = torch.zeros(batch_size, 3, size, size, device="meta")
    with torch.no_grad():
        for part in before:
            x = part(x)
    return saved_bytes(network.get_submodule(stage), x)
