"""MobileNets and Lambda MobileNets, module for module what an architecture names."""

from collections import OrderedDict

from torch import Tensor, nn

from lambda_arch import arch
from lambda_arch.arch.mobilenet import LAYERS
from lambda_arch.nn.blocks import ConvNorm, pooled_linear
from lambda_arch.nn.lambda_layer import LambdaLayer


class MobileNet(nn.Module):
    """The network of an architecture: images (b, 3, S, S) to logits (b, classes).

    Layers keep their numbers where others are removed: ``layer12`` is the twelfth of MobileNet-v1, always.
    """

    def __init__(self, architecture: arch.MobileNet) -> None:
        super().__init__()
        self.architecture = architecture
        self.stem = ConvNorm(3, LAYERS[0].dim, 3)
        size = architecture.image_size
        for number, (letter, (dim, dim_out, stride)) in enumerate(zip(architecture.layers[1:], LAYERS, strict=True), 1):
            if letter == "L":
                self.add_module(f"layer{number}", LambdaLayer.of(architecture.layer, dim, size, dim_out))
            elif letter == "C":
                self.add_module(f"layer{number}", separable(dim, dim_out, stride))
                size = (size + stride - 1) // stride
        self.head = pooled_linear(LAYERS[-1].dim_out, architecture.classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (b, classes) for images x (b, 3, H, W)."""
        for module in self.children():
            x = module(x)
        return x


def separable(dim: int, dim_out: int, stride: int) -> nn.Sequential:
    """Return a depthwise and a pointwise convolution, each with its norm and ReLU (Howard et al. 2017)."""
    depthwise = ConvNorm(dim, dim, 3, stride, groups=dim)
    return nn.Sequential(OrderedDict(depthwise=depthwise, pointwise=ConvNorm(dim, dim_out, 1)))
