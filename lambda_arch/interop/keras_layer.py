"""The lambda layer in Keras 3, channels last, for every backend. Imports Keras; torch only to convert weights.

Shapes below: b images, n = H x W positions, h heads, k query depth, u intra-depth, v = dim_out / h value depth.
"""

from collections.abc import Iterator
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from lambda_arch.arch import Lambda
from lambda_arch.arch.checks import check_heads, check_map, largest_map
from lambda_arch.errors import SetupError

if TYPE_CHECKING:
    from lambda_arch import nn

Shape = tuple[int | None, ...]

CONVOLUTION = {"weight": "kernel", "bias": "bias"}
NORM = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
"""torch's names of the weights of a module, and Keras's."""


@keras.saving.register_keras_serializable(package="lambda_arch")
class LambdaLayer(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
    """A lambda layer: (b, H, W, dim) to (b, H, W, dim_out), by default with as many channels as its input.

    ``settings`` are those of :class:`lambda_arch.arch.Lambda` (``k``, ``h``, ``u``, ``m`` and so on) and of Keras's
    layers (``name``, ``dtype``, ``trainable``). With ``m="global"`` it needs ``size``, the largest H x W of its maps.

    Key channels are ordered (k, u) and value channels (v, u), as in :class:`lambda_arch.nn.LambdaLayer`. The products
    are those of its canonical evaluation.

    Raises ArchitectureError for an even scope, a global one without a size, and, when the layer is built, for heads
    that do not divide ``dim_out`` and maps over ``size``.
    """

    def __init__(
        self, dim_out: int | None = None, *, size: int | tuple[int, int] | None = None, **settings: Any
    ) -> None:
        own = {field.name: settings.pop(field.name) for field in fields(Lambda) if field.name in settings}
        super().__init__(**settings)
        self.input_spec = keras.layers.InputSpec(ndim=4)
        self.settings = Lambda(**own)
        self.dim_out = dim_out
        self.size = None if size is None and self.settings.m != "global" else largest_map(size)

    def build(self, input_shape: Shape) -> None:
        """Make the weights for inputs (b, H, W, dim); b, H and W may be None."""
        dim, layer = input_shape[-1], self.settings
        assert dim is not None
        dim_out = self.dim_out or dim
        check_heads("h", layer.h, dim_out, "the output")
        self.input_spec = keras.layers.InputSpec(ndim=4, axes={-1: dim})
        self.v = dim_out // layer.h
        self.queries = self._projection("queries", layer.h * layer.k, gain=1 / layer.k)
        self.query_norm = self._norm("query_norm") if layer.batch_norm else None
        self.keys = self._projection("keys", layer.k * layer.u) if layer.content else None
        self.values = self._projection("values", self.v * layer.u)
        self.value_norm = self._norm("value_norm") if layer.batch_norm else None
        self.position = self._position() if layer.position else None
        for part in (self.queries, self.keys, self.values):
            if part is not None:
                part.build(input_shape)
        for norm, channels in ((self.query_norm, layer.h * layer.k), (self.value_norm, self.v * layer.u)):
            if norm is not None:
                norm.build((*input_shape[:-1], channels))
        if self.position is not None:
            self.position.build((None, *input_shape[1:-1], layer.u))

    def _projection(self, name: str, channels: int, gain: float = 1.0) -> Any:
        return keras.layers.Conv2D(
            channels,
            1,
            use_bias=False,
            data_format="channels_last",
            kernel_initializer=_normal(gain),
            name=name,
            dtype=self.dtype_policy,
        )

    def _norm(self, name: str) -> Any:
        """Return a batch norm with torch's defaults: Keras's momentum is what stays of the moving average."""
        return keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=name, dtype=self.dtype_policy)

    def _position(self) -> Any:
        layer = self.settings
        if layer.m == "global":
            assert self.size is not None
            return GlobalPosition(layer.k, self.size, layer.bias, name="position", dtype=self.dtype_policy)
        return keras.layers.Conv2D(
            layer.k,
            layer.m,
            padding="same",
            use_bias=layer.bias,
            data_format="channels_last",
            kernel_initializer=_normal(),
            name="position",
            dtype=self.dtype_policy,
        )

    def call(self, x: Any, training: bool | None = None) -> Any:
        """Return (b, H, W, dim_out) from x (b, H, W, dim)."""
        layer = self.settings
        _, height, width, _ = ops.shape(x)
        n = height * width
        queries, values = self.queries(x), self.values(x)
        if self.query_norm is not None and self.value_norm is not None:
            queries, values = self.query_norm(queries, training=training), self.value_norm(values, training=training)
        queries = ops.reshape(queries, (-1, n, layer.h, layer.k))
        if layer.query_softmax:
            queries = ops.softmax(queries, axis=-1)
        parts = []
        if self.keys is not None:
            keys = self._normalized(ops.reshape(self.keys(x), (-1, n, layer.k, layer.u)))
            lambdas = ops.einsum("bnku,bnvu->bkv", keys, ops.reshape(values, (-1, n, self.v, layer.u)))
            parts.append(ops.einsum("bnhk,bkv->bnhv", queries, lambdas))
        if self.position is not None:
            maps = ops.transpose(ops.reshape(values, (-1, height, width, self.v, layer.u)), (0, 3, 1, 2, 4))
            lambdas = self.position(ops.reshape(maps, (-1, height, width, layer.u)))
            parts.append(ops.einsum("bnhk,bvnk->bnhv", queries, ops.reshape(lambdas, (-1, self.v, n, layer.k))))
        output = parts[0] if len(parts) == 1 else parts[0] + parts[1]
        return ops.reshape(output, (-1, height, width, layer.h * self.v))

    def _normalized(self, keys: Any) -> Any:
        """Return keys (b, n, k, u) normalised over the positions, computed in float32 at least."""
        norm = self.settings.key_norm
        accurate = _accurate(keys)
        if norm == "softmax":
            accurate = ops.softmax(accurate, axis=1)
        elif norm == "l2":
            accurate = ops.normalize(accurate, axis=1, epsilon=1e-12)
        return ops.cast(accurate, keys.dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the output for inputs of ``input_shape``."""
        return (*input_shape[:-1], self.dim_out or input_shape[-1])

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor for such a layer, as plain values."""
        return {**super().get_config(), "dim_out": self.dim_out, "size": self.size, **asdict(self.settings)}

    @classmethod
    def from_torch(cls, layer: "nn.LambdaLayer", **keywords: Any) -> "LambdaLayer":
        """Return the layer with the settings, weights and batch-norm statistics of a torch ``layer``.

        ``keywords`` are those of Keras's layers, such as ``name`` and ``dtype``.

        Raises SetupError for another module.
        """
        from lambda_arch import nn

        if not isinstance(layer, nn.LambdaLayer):
            raise SetupError(f"{type(layer).__name__}: expected a lambda_arch.nn.LambdaLayer")
        arguments = layer.arguments
        dim = arguments.pop("dim")
        ours = cls(**arguments, **keywords)
        ours.build((None, None, None, dim))
        state = layer.state_dict()
        for name, variable in ours._weights_by_torch_name():
            weight = state[name].detach().cpu()
            array = (weight if weight.dtype.itemsize >= 4 else weight.float()).numpy()
            variable.assign(array.transpose(2, 3, 1, 0) if array.ndim == 4 else array)
        return ours

    def to_torch(self) -> "nn.LambdaLayer":
        """Return the torch layer with the same settings, weights and batch-norm statistics, in training mode.

        Raises SetupError for a layer that has no weights yet.
        """
        import torch

        from lambda_arch import nn

        if not self.built:
            raise SetupError("a layer without weights: expected one that was called or built")
        dim = self.queries.kernel.shape[2]
        theirs = nn.LambdaLayer(dim, self.v * self.settings.h, size=self.size, **asdict(self.settings))
        theirs.to(getattr(torch, self.variable_dtype))
        with torch.no_grad():
            state = theirs.state_dict()  # shares the memory of the layer
            for name, variable in self._weights_by_torch_name():
                weight = torch.from_numpy(ops.convert_to_numpy(_accurate(variable)))  # numpy has no bfloat16
                state[name].copy_(weight.permute(3, 2, 0, 1) if weight.ndim == 4 else weight)
        return theirs

    def _weights_by_torch_name(self) -> Iterator[tuple[str, Any]]:
        """Yield every variable with the name that torch's layer has for it. Kernels are (H, W, in, out) here."""
        for part in ("queries", "query_norm", "keys", "values", "value_norm", "position"):
            module = getattr(self, part)
            if module is not None:
                names = NORM if part.endswith("norm") else CONVOLUTION
                for theirs, ours in names.items():
                    variable = getattr(module, ours)
                    if variable is not None:
                        yield f"{part}.{theirs}", variable


class GlobalPosition(keras.layers.Layer):  # type: ignore[misc]
    """Position lambdas of global scope: relative embeddings gathered into an n x n map, times the values.

    ``kernel`` (2H-1, 2W-1, u, k) is laid out as that of a convolution: the embedding of offset (dy, dx) is at
    [dy + H - 1, dx + W - 1]. Maps smaller than ``size`` use its middle.
    """

    def __init__(self, k: int, size: tuple[int, int], bias: bool, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.k, self.size, self.use_bias = k, size, bias

    def build(self, input_shape: Shape) -> None:
        """Make the weights for inputs (b, H, W, u); raises ArchitectureError for a map over ``size``."""
        self._check(*input_shape[1:3])
        shape = (2 * self.size[0] - 1, 2 * self.size[1] - 1, input_shape[-1], self.k)
        self.kernel = self.add_weight(shape=shape, initializer=_normal(), name="kernel")
        self.bias = self.add_weight(shape=(self.k,), initializer="zeros", name="bias") if self.use_bias else None

    def _check(self, height: object, width: object) -> None:
        if isinstance(height, int) and isinstance(width, int):  # a graph may not know them
            check_map(height, width, self.size)

    def call(self, values: Any) -> Any:
        """Return lambdas (b*v, H, W, k) from values (b*v, H, W, u)."""
        _, height, width, _ = ops.shape(values)
        self._check(height, width)
        maps = ops.take(self.kernel, _offsets(height, self.size[0]), axis=0)
        maps = ops.take(maps, _offsets(width, self.size[1]), axis=2)  # (H, H', W, W', u, k)
        lambdas = ops.einsum("biju,yixjuk->byxk", values, maps)
        return lambdas if self.bias is None else lambdas + self.bias

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the lambdas for values of ``input_shape``."""
        return (*input_shape[:-1], self.k)


def _offsets(length: Any, limit: int) -> Any:
    positions = ops.arange(length)
    return positions[None, :] - positions[:, None] + limit - 1


def _accurate(x: Any) -> Any:
    """Return ``x`` in float32, or as it is if that is float64."""
    return x if keras.backend.standardize_dtype(x.dtype) == "float64" else ops.cast(x, "float32")


def _normal(gain: float = 1.0) -> Any:
    """Return the initializer of torch's layer: a standard deviation of (gain / inputs of an output)**0.5."""
    return keras.initializers.VarianceScaling(gain, "fan_in", "untruncated_normal")
