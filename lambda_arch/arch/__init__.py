"""What an architecture is: values, names, validation, and the zoo of named ones. No torch, no pandas."""

from lambda_arch.arch.attention import (
    Attention,
    AugmentedConvolution,
    AxialAttention,
    DoubleAttention,
    GlobalAttention,
    LocalAttention,
)
from lambda_arch.arch.configure import configure
from lambda_arch.arch.errors import ArchitectureError, nearest
from lambda_arch.arch.names import canonical_name, named, parse, read_settings
from lambda_arch.arch.options import OPTIONS, Option, Setting, read_setting
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

__all__ = [
    "BLOCKS",
    "EXPANSION",
    "LAYERS",
    "OPTIONS",
    "STAGES",
    "STEMS",
    "WIDTHS",
    "ArchitectureError",
    "Attention",
    "AugmentedConvolution",
    "AxialAttention",
    "Block",
    "Convolution",
    "DoubleAttention",
    "Entry",
    "GlobalAttention",
    "Lambda",
    "Layer",
    "LocalAttention",
    "Option",
    "ResNet",
    "Setting",
    "all_named",
    "canonical_name",
    "compress",
    "configure",
    "evenly_spaced",
    "expand",
    "named",
    "nearest",
    "parse",
    "read_architecture",
    "read_setting",
    "read_settings",
    "zoo",
]
