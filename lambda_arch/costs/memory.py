"""Memory of attention and lambda maps: the LambdaNetworks paper's accounting, and what torch saves for backward.

The paper (Bello, ICLR 2021, Table 4) counts only what grows with the square of the n positions of a layer's output (or
with n * sqrt(n), axially). Self-attention keeps b*h*n*n weights for b images and h heads; axial attention keeps
b*h*n*sqrt(n) per axis; a lambda layer keeps k*n*n relative embeddings, whatever the batch, and only one set of them per
stage where its layers share them.
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
    """Return the bytes of the maps of ``architecture`` in fp32, by the formulas of the paper's Table 4.

    ``batch_size``: images, by default the paper's 128. Shared embeddings count once. ``stages``: count only these, such
    as ``("c2",)``. Layers without such a map (convolutions, double attention) count as zero. No errors are raised.
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
    """Return the bytes that torch saves for the backward pass of ``module`` on ``image``, without its parameters.

    Each storage counts once, in full, however many operations save it; ``image`` counts if it is saved. On the meta
    device the figure is that of the CPU's operations, and takes no memory.
    """
    import torch

    own = {parameter.untyped_storage()._cdata for parameter in module.parameters()}
    saved: dict[int, torch.UntypedStorage] = {}  # keeps them alive, so that no address is used twice

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
    """Return the bytes that autograd keeps for the backward pass of one ``stage`` (c2 to c5) of ``architecture``.

    They are those of a training step on ``batch_size`` images in fp32, without weights, from torch's own hooks on the
    meta device. Raises :class:`ArchitectureError` for another stage, and :class:`SetupError` for a batch size below 1.
    """
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
