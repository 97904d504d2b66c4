"""Architectures: values, names, validation, the walk over their parts, and the zoo. No torch, no pandas."""

from lambda_arch.arch.attention import (
    Attention,
    AugmentedConvolution,
    AxialAttention,
    DoubleAttention,
    GlobalAttention,
    LocalAttention,
)
from lambda_arch.arch.efficientnet import EfficientNet
from lambda_arch.arch.kinds import formula_of, module_of
from lambda_arch.arch.layers import LAYERS, Block, Convolution, Lambda, Layer, most_common
from lambda_arch.arch.mobilenet import MobileNet
from lambda_arch.arch.options import OPTIONS, Option, Setting, read_setting
from lambda_arch.arch.parsing import configured, named, parse, read_settings
from lambda_arch.arch.part import Head, LambdaShape, Part, halve
from lambda_arch.arch.patterns import compress, evenly_spaced, expand
from lambda_arch.arch.registry import FAMILIES, Architecture, Extension, Family, configure, extension_modules, register
from lambda_arch.arch.resnet import Bottleneck, ResNet, Stem, spatial_part, with_block
from lambda_arch.arch.resnet_tables import BLOCKS, EXPANSION, MIN_IMAGE_SIZE, STAGES, STEM_WIDTHS, STEMS, WIDTHS
from lambda_arch.arch.sweeps import Swept, sweep
from lambda_arch.arch.toml_file import read_architecture
from lambda_arch.arch.zoo import Entry, all_named, zoo_entries
from lambda_arch.errors import ArchitectureError, did_you_mean

__all__ = [
    "BLOCKS",
    "EXPANSION",
    "FAMILIES",
    "LAYERS",
    "MIN_IMAGE_SIZE",
    "OPTIONS",
    "STAGES",
    "STEMS",
    "STEM_WIDTHS",
    "WIDTHS",
    "Architecture",
    "ArchitectureError",
    "Attention",
    "AugmentedConvolution",
    "AxialAttention",
    "Block",
    "Bottleneck",
    "Convolution",
    "DoubleAttention",
    "EfficientNet",
    "Entry",
    "Extension",
    "Family",
    "GlobalAttention",
    "Head",
    "Lambda",
    "LambdaShape",
    "Layer",
    "LocalAttention",
    "MobileNet",
    "Option",
    "Part",
    "ResNet",
    "Setting",
    "Stem",
    "Swept",
    "all_named",
    "compress",
    "configure",
    "configured",
    "did_you_mean",
    "evenly_spaced",
    "expand",
    "extension_modules",
    "formula_of",
    "halve",
    "module_of",
    "most_common",
    "named",
    "parse",
    "read_architecture",
    "read_setting",
    "read_settings",
    "register",
    "spatial_part",
    "sweep",
    "with_block",
    "zoo_entries",
]
