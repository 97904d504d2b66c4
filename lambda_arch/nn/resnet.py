"""ResNets and LambdaResNets, module for module what an architecture names."""

from collections import OrderedDict

from torch import Tensor, nn

from lambda_arch import arch
from lambda_arch.nn.blocks import Bottleneck, pooled_linear, stem


class ResNet(nn.Module):
    """The network of an architecture: images (b, 3, S, S) to logits (b, classes).

    Blocks are named as in the architecture's string, from 1: ``c4.3`` is the third block of c4.
    """

    def __init__(self, architecture: arch.ResNet) -> None:
        super().__init__()
        self.architecture = architecture
        self.stem = stem(architecture.stem)
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
                    pool=architecture.has_pool(i, j == 0),
                    shortcut=j == 0,
                    shortcut_bias=architecture.shortcut_bias,
                )
                blocks.append((str(j + 1), bottleneck))
                dim, size = arch.EXPANSION * width, halve(size) if stride == 2 else size
            self.add_module(name, nn.Sequential(OrderedDict(blocks)))
        self.head = pooled_linear(dim, architecture.classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (b, classes) for images x (b, 3, H, W)."""
        x = self.stem(x)
        for name in arch.STAGES:
            x = self.get_submodule(name)(x)
        return self.head(x)  # type: ignore[no-any-return]


def halve(size: int) -> int:
    """Return the side of a map after a stride of 2 with half padding."""
    return (size + 1) // 2
