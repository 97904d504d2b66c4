"""The layers that the LambdaNetworks paper compares with, as modules, so that counters see each part."""

from lambda_arch.nn.attention.augmented import AugmentedConvolution
from lambda_arch.nn.attention.axial import AxialAttention
from lambda_arch.nn.attention.double import DoubleAttention
from lambda_arch.nn.attention.full import GlobalAttention
from lambda_arch.nn.attention.local import LocalAttention

__all__ = ["AugmentedConvolution", "AxialAttention", "DoubleAttention", "GlobalAttention", "LocalAttention"]
