"""Memory of attention and lambda maps: the LambdaNetworks paper's accounting, and what torch saves for backward.

The paper's (Bello, ICLR 2021, Table 4): of each layer only what grows with the square of its n positions (or with
n * sqrt(n), axially), n being the positions of the layer's output. Self-attention keeps b*h*n*n weights for a batch of
b images and h heads; axial attention b*h*n*sqrt(n), twice, once an axis; a lambda layer k*n*n relative embeddings,
whatever the batch, once a stage where the layers of a stage share them.
"""

from typing import TYPE_CHECKING

from lambda_arch.arch import (
    STAGES,
    ArchitectureError,
    AugmentedConvolution,
    AxialAttention,
    GlobalAttention,
    Lambda,
    LocalAttention,
    ResNet,
)
from lambda_arch.arch.resnet import Block
from lambda_arch.costs.closed_form import block_size, stem_size
from lambda_arch.costs.modules import halve

if TYPE_CHECKING:
    from torch import Tensor, nn

PAPER_BATCH = 128
FULL_PRECISION = 4  # bytes of a number


def map_bytes(architecture: ResNet, batch: int = PAPER_BATCH, *, stages: tuple[str, ...] = STAGES) -> int:
    """Return the bytes of the maps of ``architecture`` at full precision, by the paper's formulas.

    Embeddings that the lambda layers of a stage share count once. ``stages``: only those, such as ``("c2",)``. Layers
    that keep no such map (convolutions, double attention) count as zero.
    """
    size = stem_size(architecture.image_size)
    elements = 0
    for i, (name, blocks) in enumerate(zip(STAGES, architecture.stages, strict=True)):
        size = block_size(i, True, size, architecture.block_stride(i, True))
        maps = [_map_elements(block, size, batch) for block in blocks]
        embeddings = [k for block, k in zip(blocks, maps, strict=True) if isinstance(block.layer, Lambda)]
        repeated = sum(embeddings) - max(embeddings, default=0) if architecture.shared_embeddings else 0
        if name in stages:
            elements += sum(maps) - repeated
    return elements * FULL_PRECISION


def _map_elements(block: Block, size: int, batch: int) -> int:
    layer, positions = block.layer, size * size
    if isinstance(layer, GlobalAttention):
        return batch * layer.heads * positions * positions
    if isinstance(layer, AxialAttention):
        return 2 * batch * layer.heads * positions * size
    if isinstance(layer, AugmentedConvolution):
        side = halve(size) if layer.downsample else size
        return batch * layer.heads * side**4
    if isinstance(layer, LocalAttention):
        return batch * layer.heads * positions * layer.extent**2
    if isinstance(layer, Lambda) and layer.position:
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


def stage_saved_bytes(architecture: ResNet, stage: str = "c2", batch: int = PAPER_BATCH) -> int:
    """Return :func:`saved_bytes` of one stage of the network in training, for a batch of images, on the meta device."""
    import torch

    from lambda_arch.nn import build

    if stage not in STAGES:
        raise ArchitectureError(f"{stage}: expected a stage from c2 to c5")
    if batch < 1:
        raise ArchitectureError(f"batch={batch}: expected a whole number from 1, such as batch=128")
    network = build(architecture, device="meta").train()
    before = [network.stem, *(network.get_submodule(name) for name in STAGES[: STAGES.index(stage)])]
    size = architecture.image_size
    x = torch.zeros(batch, 3, size, size, device="meta")
    with torch.no_grad():
        for part in before:
            x = part(x)
    return saved_bytes(network.get_submodule(stage), x)
