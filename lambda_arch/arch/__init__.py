"""What an architecture is: values, names, validation, and the zoo of named ones. No torch, no pandas."""

from lambda_arch.arch.attention import (
    Attention,
    AugmentedConvolution,
    AxialAttention,
    DoubleAttention,
    GlobalAttention,
    LocalAttention,
)
from lambda_arch.arch.efficientnet import EfficientNet
from lambda_arch.arch.families import FAMILIES, Architecture, Family, configure
from lambda_arch.arch.mobilenet import MobileNet
from lambda_arch.arch.options import OPTIONS, Option, Setting, read_setting
from lambda_arch.arch.parsing import named, parse, read_settings
from lambda_arch.arch.patterns import compress, evenly_spaced, expand
from lambda_arch.arch.resnet import (
    BLOCKS,
    EXPANSION,
    LAYERS,
    STAGES,
    STEMS,
    WIDTHS,
    Block,
    Convolution,
    Lambda,
    Layer,
    ResNet,
)
from lambda_arch.arch.toml_file import read_architecture
from lambda_arch.arch.zoo import Entry, all_named, zoo
from lambda_arch.errors import ArchitectureError, did_you_mean

__all__ = [
    "BLOCKS",
    "EXPANSION",
    "FAMILIES",
    "LAYERS",
    "OPTIONS",
    "STAGES",
    "STEMS",
    "WIDTHS",
    "Architecture",
    "ArchitectureError",
    "Attention",
    "AugmentedConvolution",
    "AxialAttention",
    "Block",
    "Convolution",
    "DoubleAttention",
    "EfficientNet",
    "Entry",
    "Family",
    "GlobalAttention",
    "Lambda",
    "Layer",
    "LocalAttention",
    "MobileNet",
    "Option",
    "ResNet",
    "Setting",
    "all_named",
    "compress",
    "configure",
    "did_you_mean",
    "evenly_spaced",
    "expand",
    "named",
    "parse",
    "read_architecture",
    "read_setting",
    "read_settings",
    "zoo",
]
