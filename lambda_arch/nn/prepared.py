"""Networks prepared for inference: the same outputs from fewer, larger operations."""

import copy
from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from lambda_arch.arch import ResNet
from lambda_arch.errors import SetupError
from lambda_arch.nn.backbone import Backbone
from lambda_arch.nn.blocks import ConvNorm
from lambda_arch.nn.evaluation import CANONICAL, Evaluation, choose, evaluate, maps
from lambda_arch.nn.evaluation.cost_model import LOW
from lambda_arch.nn.frozen_batch_norm import BATCH_NORMS
from lambda_arch.nn.image_groups import InGroups
from lambda_arch.nn.lambda_layer import GlobalPosition, LambdaLayer, content_weights, shaped_queries
from lambda_arch.nn.network import Network
from lambda_arch.nn.on_gpu import OnGpu
from lambda_arch.nn.preparation import DEFAULT, Preparation, parse_preparation

FEW, SMALL = 4, 64
"""With more images than FEW, maps of at most SMALL positions are convolved; measured on two CPU cores."""
FEW_LOW, SMALL_LOW = 1, 196
"""The same in LOW precision, in which products copy the weights for every image."""


def prepare(
    network: nn.Module,
    batch_size: int = 1,
    dtype: torch.dtype | None = None,
    preparation: Preparation | str | None = None,
) -> nn.Module:
    """Return a copy of ``network`` for inference: (b, 3, H, W) to the outputs of ``network.eval()``, logits or maps.

    - Batch norms are folded into the convolutions before them; queries, keys and values come from one product.
    - The maps that an evaluation gathers from embeddings are gathered once, for the size of maps that the layer was
      built for.
    - Layers with the canonical evaluation get the cost model's choice for ``batch_size`` images and products in
      ``dtype`` (that of autocast; by default the network's own), if the size of their maps is known.
    - On CPUs 1x1 convolutions are matrix products, stems pool with channels last, and large batches are processed in
      groups (:class:`~lambda_arch.nn.image_groups.InGroups`).
    - On CUDA it runs by ``preparation``, or its name, by default channels last and as CUDA graphs without gradients
      (:class:`~lambda_arch.nn.on_gpu.OnGpu`).

    The copy stays in evaluation mode, and its evaluations cannot be changed. ``torch.compile`` accepts it.

    Raises SetupError for a batch size below 1 or an unknown preparation.
    """
    if isinstance(preparation, str):
        preparation = parse_preparation(preparation)
    if batch_size < 1:
        raise SetupError(f"batch_size={batch_size}: expected a whole number from 1")
    with torch.no_grad():
        parameter = next(network.parameters(), None)
        device = "" if parameter is None else parameter.device.type
        prepared = _prepared(copy.deepcopy(network).eval(), batch_size, dtype, device)
        if isinstance(prepared, PreparedLambdaLayer):
            return prepared
        is_resnet = isinstance(prepared, Network | Backbone) and isinstance(prepared.architecture, ResNet)
        if is_resnet and device == "cpu":
            parts = OrderedDict(prepared.get_submodule("stem").named_children())
            prepared.stem = nn.Sequential(OrderedDict(**parts, contiguous=Contiguous()))
            prepared.stem.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        if device == "cuda":
            prepared = OnGpu(prepared, preparation or DEFAULT)
        return PreparedBackbone(prepared, network) if isinstance(network, Backbone) else InGroups(prepared)


class PreparedBackbone(InGroups):
    """A prepared backbone: images (b, 3, H, W) to maps by name; with the attributes of ``backbone``."""

    def __init__(self, network: nn.Module, backbone: Backbone) -> None:
        super().__init__(network)
        self.features, self.channels, self.strides = backbone.features, backbone.channels, backbone.strides


class PreparedLambdaLayer(nn.Module):
    """A lambda layer with folded norms, one projection and gathered position maps."""

    position: Tensor | None
    bias: Tensor | None
    maps: Tensor | None

    def __init__(self, layer: LambdaLayer, batch_size: int, dtype: torch.dtype | None) -> None:
        super().__init__()
        self.k, self.h, self.u, self.v = layer.k, layer.h, layer.u, layer.v
        self.size, self.content = layer.size, layer.content is not None
        self.settings = layer.settings
        self.limit = layer.position if isinstance(layer.position, GlobalPosition) else None
        self.evaluation: Evaluation = layer.evaluation
        if self.evaluation == CANONICAL:
            kind = layer.queries.weight.device.type
            self.evaluation = Evaluation("convolution", "accumulate")
            if self.size is not None and kind != "meta":
                self.evaluation = choose(
                    layer.layer_shape(batch_size), kind, gathered=True, dtype=dtype or layer.queries.weight.dtype
                )
        parts = [_folded(layer.queries, layer.query_norm)]
        if self.content:
            parts.append(layer.keys)
        parts.append(_folded(layer.values, layer.value_norm))
        self.channels = [part.out_channels for part in parts]
        self.projections = _product(_stacked(parts))
        position = layer.position
        self.register_buffer("position", None if position is None else position.weight.detach())
        self.register_buffer("bias", None if position is None or position.bias is None else position.bias.detach())
        gathered = None
        if self.position is not None and self.size is not None:
            gathered = maps(self.evaluation, self.position, *self.size)
        self.register_buffer("maps", gathered, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return (b, dim_out, H, W) from x (b, dim, H, W)."""
        b, _, height, width = x.shape
        n = height * width
        if self.limit is not None:
            self.limit.check(height, width)
        projected = self.projections(x).split(self.channels, 1)
        queries = shaped_queries(projected[0], self.h, self.settings.query_softmax)
        values = projected[-1].reshape(b, self.v, self.u, height, width)
        weights = None
        if self.content:
            keys = projected[1].reshape(b, self.k, self.u, n)
            weights = content_weights(keys, values.dtype, self.settings.key_norm)
        gathered = self.maps if (height, width) == self.size else None
        outputs = evaluate(self.evaluation, queries, weights, values, self.position, self.bias, gathered)
        return outputs.reshape(b, -1, height, width)


class PointwiseProduct(nn.Module):
    """A 1x1 convolution as one matrix product per image, faster on CPUs: (b, dim, H, W) to (b, dim_out, H', W').

    Many small maps are convolved instead, which joins their positions.
    """

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.stride = conv.stride
        self.weight = nn.Parameter(conv.weight.detach().flatten(1), requires_grad=False)
        bias = conv.weight.new_zeros(conv.out_channels) if conv.bias is None else conv.bias.detach()
        self.bias = nn.Parameter(bias.view(-1, 1), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return the convolution of x."""
        if torch.compiler.is_exporting():  # other runtimes choose their own products, for any batch
            return F.conv2d(x, self.weight[:, :, None, None], self.bias.flatten(), self.stride)
        if self.stride != (1, 1):
            x = x[:, :, :: self.stride[0], :: self.stride[1]]
        b, _, height, width = x.shape
        few, small = (FEW_LOW, SMALL_LOW) if self.weight.dtype in LOW else (FEW, SMALL)
        if b > few and height * width <= small:
            return F.conv2d(x, self.weight[:, :, None, None], self.bias.flatten())
        weight = self.weight.expand(b, -1, -1)
        return torch.baddbmm(self.bias, weight, x.flatten(2)).view(b, -1, height, width)


class PoolChannelsLast(nn.Module):
    """A pool of contiguous maps that runs with channels last, several times faster on CPUs."""

    def __init__(self, pool: nn.Module) -> None:
        super().__init__()
        self.pool = pool

    def forward(self, x: Tensor) -> Tensor:
        """Return x, pooled."""
        pooled: Tensor = self.pool(x.contiguous(memory_format=torch.channels_last))
        return pooled.contiguous()


class Contiguous(nn.Module):
    """The contiguous format again, after modules that pool faster with channels last."""

    def forward(self, x: Tensor) -> Tensor:
        """Return x, contiguous."""
        return x.contiguous()


def _prepared(module: nn.Module, batch_size: int, dtype: torch.dtype | None, device: str) -> nn.Module:
    if type(module) is LambdaLayer:  # subclasses may compute more and are left as they are
        return PreparedLambdaLayer(module, batch_size, dtype)
    if isinstance(module, ConvNorm):
        rest = [(name, part) for name, part in module.named_children() if name not in ("conv", "norm")]
        folded = _folded(module.get_submodule("conv"), module.get_submodule("norm"))
        return nn.Sequential(OrderedDict([("conv", _product(folded)), *rest]))
    if isinstance(module, nn.AvgPool2d) and device == "cpu":
        return PoolChannelsLast(module)
    before: tuple[str, nn.Module] | None = None
    for name, child in list(module.named_children()):
        if isinstance(module, nn.Sequential) and before and isinstance(child, BATCH_NORMS):
            setattr(module, before[0], _product(_folded(before[1], child)))
            setattr(module, name, nn.Identity())
        else:
            setattr(module, name, _prepared(child, batch_size, dtype, device))
        before = (name, child) if isinstance(child, nn.Conv2d) else None
    return module


def _folded(conv: nn.Module, norm: nn.Module | None) -> nn.Conv2d:
    assert isinstance(conv, nn.Conv2d)
    if norm is None:
        return conv
    assert isinstance(norm, BATCH_NORMS)
    return fuse_conv_bn_eval(conv, norm)  # type: ignore[arg-type]  # the frozen one has the same tensors


def _product(conv: nn.Conv2d) -> nn.Module:
    pointwise = conv.kernel_size == (1, 1) and conv.groups == 1
    return PointwiseProduct(conv) if pointwise and conv.weight.device.type == "cpu" else conv


def _stacked(convs: list[nn.Conv2d]) -> nn.Conv2d:
    """Return one 1x1 convolution with the concatenated outputs of ``convs``."""
    first = convs[0]
    stacked = nn.Conv2d(first.in_channels, sum(conv.out_channels for conv in convs), 1)
    zeros = [conv.weight.new_zeros(conv.out_channels) for conv in convs]
    stacked.weight = nn.Parameter(torch.cat([conv.weight for conv in convs]))
    stacked.bias = nn.Parameter(
        torch.cat([zero if conv.bias is None else conv.bias for conv, zero in zip(convs, zeros, strict=True)])
    )
    return stacked
