"""The torch modules of MobileNets and Lambda MobileNets."""

from collections import OrderedDict

from torch import nn

from lambda_arch.arch import Part, module_of
from lambda_arch.arch.mobilenet import Separable, Stem
from lambda_arch.nn.blocks import ConvNorm


@module_of(Stem)
def stem(part: Part) -> nn.Sequential:
    """Return a stem, of stride 1."""
    return ConvNorm(part.dim, part.dim_out, 3)


@module_of(Separable)
def separable(part: Part) -> nn.Sequential:
    """Return a depthwise and a pointwise convolution, each with its norm and ReLU (Howard et al. 2017)."""
    depthwise = ConvNorm(part.dim, part.dim, 3, part.stride, groups=part.dim)
    return nn.Sequential(OrderedDict(depthwise=depthwise, pointwise=ConvNorm(part.dim, part.dim_out, 1)))
