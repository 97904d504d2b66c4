"""The verb ``build``: the network of an architecture, or its backbone."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any, overload

import torch
from torch.overrides import TorchFunctionMode

from lambda_arch.arch import Architecture, configured
from lambda_arch.nn.backbone import Backbone
from lambda_arch.nn.evaluation import CANONICAL, Evaluation
from lambda_arch.nn.frozen_batch_norm import freeze_batch_norms
from lambda_arch.nn.network import Network
from lambda_arch.nn.plan import set_evaluation


@overload
def build(
    architecture: Architecture | str,
    *,
    device: torch.device | str | None = ...,
    dtype: torch.dtype | None = None,
    evaluation: Evaluation | str = ...,
    batch_size: int = 1,
    image_size: int | None = None,
    features: None = None,
    frozen_batch_norm: bool = ...,
    **settings: object,
) -> Network: ...
@overload
def build(
    architecture: Architecture | str,
    *,
    device: torch.device | str | None = ...,
    dtype: torch.dtype | None = None,
    evaluation: Evaluation | str = ...,
    batch_size: int = 1,
    image_size: int | None = None,
    features: Sequence[str],
    frozen_batch_norm: bool = ...,
    **settings: object,
) -> Backbone: ...
def build(
    architecture: Architecture | str,
    *,
    device: torch.device | str | None = None,
    dtype: torch.dtype | None = None,
    evaluation: Evaluation | str = CANONICAL,
    batch_size: int = 1,
    image_size: int | None = None,
    features: Sequence[str] | None = None,
    frozen_batch_norm: bool = False,
    **settings: object,
) -> Network | Backbone:
    """Return the network of ``architecture`` on ``device`` (``"meta"`` for shapes without memory) in ``dtype``.

    ``settings`` such as ``k=8`` go on top of the architecture, as in :func:`~lambda_arch.arch.parse`; so does
    ``image_size``, in pixels. The network takes images (b, 3, H, W) and returns logits (b, classes).

    ``evaluation`` is how its lambda layers are computed: ``"canonical"``, as costs are counted; ``"auto"``, for each
    layer the fastest exact evaluation by a cost model for ``batch_size`` images; or one by name, such as
    ``"matrix/sum"``. Parameters and outputs do not depend on it.

    ``features``: names of stages such as ``("c2", "c3", "c4", "c5")``, for a :class:`~lambda_arch.nn.Backbone` that
    returns their maps. ``frozen_batch_norm``: batch norms whose statistics and weights never change, until weights are
    loaded (:class:`~lambda_arch.nn.FrozenBatchNorm2d`).

    Raises ArchitectureError for an invalid name or features that are no stages, SetupError for an unknown evaluation.
    """
    value = configured(architecture, image_size, settings)
    where = torch.device(device or "cpu")
    with where, _NoInitialization() if where.type == "meta" else nullcontext():
        network = Network(value)
        if frozen_batch_norm:
            freeze_batch_norms(network)
    set_evaluation(network, evaluation, batch_size)
    built = network if features is None else Backbone(network, features)
    return built if dtype is None else built.to(dtype)


class _NoInitialization(TorchFunctionMode):
    """Leaves weights as they are: to draw none on the meta device takes two thirds of the time to build a network."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__module__", None) == "torch.nn.init":
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs)
