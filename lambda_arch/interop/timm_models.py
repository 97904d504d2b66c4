"""Named architectures as timm's models, ``timm.create_model("lambda_arch_resnet50")``, on request."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor, nn

from lambda_arch.arch import Architecture, ResNet, all_named, configured
from lambda_arch.arch.stages import stages
from lambda_arch.errors import SetupError
from lambda_arch.lazy import check_installed
from lambda_arch.nn import Network, freeze_batch_norms, set_evaluation
from lambda_arch.nn.regularization import regularize

PREFIX = "lambda_arch_"
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

__all__ = ["TimmNetwork", "register"]
default_cfgs: dict[str, dict[str, Any]] = {}
"""What timm looks up in the module of a model: the sizes and names of each."""


def register() -> list[str]:
    """Register every named architecture with timm, as ``lambda_arch_`` and its name, and return these names.

    ``timm.create_model`` then takes them, with ``features_only`` and ``out_indices`` or ``num_classes``, and with
    settings such as ``k=8``, ``img_size``, ``evaluation`` and ``frozen_batch_norm``. Registering twice changes nothing.

    Raises :class:`SetupError` if timm is not installed.
    """
    check_installed("timm", "timm")
    from timm.models import is_model, register_model

    names = []
    for entry in all_named():
        name = PREFIX + entry.name
        names.append(name)
        if not is_model(name):
            default_cfgs[name] = _defaults(entry.name)
            register_model(_entry_point(name, entry.name))
    return names


class TimmNetwork(Network):
    """A network with what timm's functions ask of a classifier.

    ``feature_info``: of a ResNet its stem and c2 to c5, of others the last stage of each stride. Without classes
    (``num_classes=0``) it returns pooled features, and with ``global_pool=""`` the last map.

    Raises :class:`SetupError` for other channels than three, and whatever :func:`~lambda_arch.build` raises.
    """

    num_features: int

    def __init__(
        self,
        name: str,
        *,
        num_classes: int = 1000,
        in_chans: int = 3,
        global_pool: str = "avg",
        img_size: int | tuple[int, int] | None = None,
        drop_rate: float = 0.0,
        drop_path_rate: float = 0.0,
        evaluation: str = "canonical",
        frozen_batch_norm: bool = False,
        **settings: object,
    ) -> None:
        if in_chans != 3:
            raise SetupError(f"in_chans={in_chans}: expected 3, the channels of images")
        size = img_size if isinstance(img_size, int) or img_size is None else max(img_size)
        classes = {"classes": num_classes} if num_classes else {}
        super().__init__(configured(name, size, {**settings, **classes}))
        fc = self.get_classifier()
        assert isinstance(fc, nn.Linear)
        self.num_features = self.head_hidden_size = fc.in_features
        self.feature_info = _feature_info(self.architecture)
        self.reset_classifier(num_classes, global_pool)
        regularize(self, drop=drop_rate if num_classes else 0.0, drop_path=drop_path_rate)
        if frozen_batch_norm:
            freeze_batch_norms(self)
        set_evaluation(self, evaluation)

    def forward_features(self, x: Tensor) -> Tensor:
        """Return the last map (b, num_features, H', W') for images x (b, 3, H, W)."""
        for name, module in self.named_children():
            if name != "head":
                x = module(x)
        return self.head.expand(x) if hasattr(self.head, "expand") else x  # type: ignore[operator]

    def forward_head(self, x: Tensor, pre_logits: bool = False) -> Tensor:
        """Return logits (b, num_classes), or the pooled features (``pre_logits``), for the last map x."""
        for name, module in self.head.named_children():
            if name != "expand" and not (pre_logits and name == "fc"):
                x = module(x)
        return x

    def get_classifier(self) -> nn.Module:
        """Return the last linear layer."""
        return self.head.get_submodule("fc")

    def reset_classifier(self, num_classes: int, global_pool: str | None = None) -> None:
        """Put a new linear layer for ``num_classes`` at the end, none for 0; ``global_pool``: ``avg`` or ``""``.

        Raises :class:`SetupError` for another pool, or for classes without one.
        """
        if global_pool not in (None, "avg", "") or (global_pool == "" and num_classes):
            expected = "avg, or '' with num_classes=0"
            raise SetupError(f"global_pool={global_pool}: expected {expected}")
        fc = self.get_classifier()
        if num_classes != getattr(fc, "out_features", 0):
            weight = next(self.parameters())
            fc = nn.Linear(self.num_features, num_classes) if num_classes else nn.Identity()
            fc.to(weight.device, weight.dtype)
        self.num_classes = num_classes
        before = {name: each for name, each in self.head.named_children() if name == "expand"}
        pooled = global_pool != ""
        self.head = nn.Sequential(
            OrderedDict(
                **before,
                pool=nn.AdaptiveAvgPool2d(1) if pooled else nn.Identity(),
                flatten=nn.Flatten() if pooled else nn.Identity(),
                fc=fc,
            )
        )


def _feature_info(architecture: Architecture) -> list[dict[str, Any]]:
    found = stages(architecture)
    if not isinstance(architecture, ResNet):
        last = {each.stride: each for each in found.values()}
        found = {each.name: each for each in last.values()}
    return [{"num_chs": each.channels, "reduction": each.stride, "module": each.name} for each in found.values()]


def _out_indices(architecture: Architecture, given: int | Sequence[int] | None) -> int | Sequence[int]:
    names = [each["module"] for each in _feature_info(architecture)]
    if given is None:
        return tuple(range(len(names)))
    for index in [-given] if isinstance(given, int) else given:
        if not -len(names) <= index < len(names):
            expected = f"expected 0 to {len(names) - 1}, of {', '.join(names)}"
            raise SetupError(f"out_indices={index}: {expected}")
    return given


def _defaults(name: str) -> dict[str, Any]:
    architecture = configured(name)
    size = architecture.image_size
    return {
        "url": "",
        "num_classes": architecture.classes,
        "input_size": (3, size, size),
        "mean": MEAN,
        "std": STD,
        "first_conv": f"stem.{'1.conv' if isinstance(architecture, ResNet) else 'conv'}",
        "classifier": "head.fc",
    }


def _entry_point(registered: str, name: str) -> Callable[..., nn.Module]:
    def create(pretrained: bool = False, **options: Any) -> nn.Module:
        from timm.models import build_model_with_cfg

        if pretrained:
            raise SetupError(
                f"pretrained={pretrained}: there are no trained weights of {name}; expected pretrained=False, and "
                f"checkpoint_path for weights of your own"
            )
        if options.get("features_only"):
            options["out_indices"] = _out_indices(configured(name), options.get("out_indices"))
        else:
            options.pop("out_indices", None)
        return build_model_with_cfg(TimmNetwork, registered, False, name=name, **options)

    create.__name__ = create.__qualname__ = registered
    create.__doc__ = f"Return {name} for timm."
    return create
