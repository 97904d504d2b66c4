"""Torch modules: the lambda layer, blocks, networks, and :func:`build`."""

from lambda_arch.nn.backbone import Backbone
from lambda_arch.nn.building import build
from lambda_arch.nn.conversion import Conversion, convert
from lambda_arch.nn.frozen_batch_norm import FrozenBatchNorm2d, freeze_batch_norms
from lambda_arch.nn.lambda_layer import LambdaLayer
from lambda_arch.nn.network import Network, check_device
from lambda_arch.nn.plan import Plan, plans, set_evaluation
from lambda_arch.nn.prepared import prepare
from lambda_arch.nn.weights import load, to_safetensors

λLayer = LambdaLayer  # noqa: N816, PLC2401  lucidrains' name for it

__all__ = [
    "Backbone",
    "Conversion",
    "FrozenBatchNorm2d",
    "LambdaLayer",
    "Network",
    "Plan",
    "build",
    "check_device",
    "convert",
    "freeze_batch_norms",
    "load",
    "plans",
    "prepare",
    "set_evaluation",
    "to_safetensors",
    "λLayer",
]
