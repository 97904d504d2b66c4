"""Torch modules: the lambda layer, blocks, networks, and :func:`build`."""

from lambda_arch.nn.building import build
from lambda_arch.nn.lambda_layer import LambdaLayer
from lambda_arch.nn.resnet import ResNet

__all__ = ["LambdaLayer", "ResNet", "build"]
