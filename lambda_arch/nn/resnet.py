"""ResNets and LambdaResNets, module for module what an architecture names."""

from collections import OrderedDict
from collections.abc import Iterable

from torch import Tensor, nn

from lambda_arch import arch
from lambda_arch.nn.blocks import Bottleneck, pooled_linear, stem
from lambda_arch.nn.lambda_layer import GlobalPosition, LambdaLayer


class ResNet(nn.Module):
    """The network of an architecture: images (b, 3, S, S) to logits (b, classes).

    Blocks are named as in the architecture's string, from 1: ``c4.3`` is the third block of c4.
    """

    def __init__(self, architecture: arch.ResNet) -> None:
        super().__init__()
        self.architecture = architecture
        self.stem = stem(architecture.stem, architecture.activation)
        dim, size = 64, halve(halve(architecture.image_size))
        for i, (name, width) in enumerate(zip(arch.STAGES, arch.WIDTHS, strict=True)):
            blocks = []
            for j, block in enumerate(architecture.stages[i]):
                stride = architecture.block_stride(i, j == 0)
                bottleneck = Bottleneck(
                    block,
                    dim,
                    width,
                    stride,
                    size,
                    pool=architecture.pool if architecture.has_pool(i, j == 0) else None,
                    shortcut=j == 0,
                    shortcut_bias=architecture.shortcut_bias,
                    activation=architecture.activation,
                )
                blocks.append((str(j + 1), bottleneck))
                dim, size = arch.EXPANSION * width, halve(size) if stride == 2 else size
            self.add_module(name, nn.Sequential(OrderedDict(blocks)))
            if architecture.shared_embeddings:
                share_embeddings([block.spatial for _, block in blocks])
        self.head = pooled_linear(dim, architecture.classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (b, classes) for images x (b, 3, H, W)."""
        x = self.stem(x)
        for name in arch.STAGES:
            x = self.get_submodule(name)(x)
        return self.head(x)  # type: ignore[no-any-return]


def share_embeddings(stage: Iterable[nn.Module]) -> None:
    """Give the lambda layers of a stage the position embeddings of the first; they have its shape, or less map."""
    layers = [module for part in stage for module in part.modules() if isinstance(module, LambdaLayer)]
    positions = [layer.position for layer in layers if layer.position is not None]
    for position in positions[1:]:
        position.weight, position.bias = positions[0].weight, positions[0].bias
        if isinstance(position, GlobalPosition) and isinstance(positions[0], GlobalPosition):
            position.size = positions[0].size


def halve(size: int) -> int:
    """Return the side of a map after a stride of 2 with half padding."""
    return (size + 1) // 2
