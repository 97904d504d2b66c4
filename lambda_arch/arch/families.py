"""The families of architectures, one table: names, settings and counts are dispatched through it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lambda_arch.arch import efficientnet, mobilenet, resnet_configure, resnet_names
from lambda_arch.arch.efficientnet import EfficientNet
from lambda_arch.arch.mobilenet import MobileNet
from lambda_arch.arch.options import Setting
from lambda_arch.arch.resnet import ResNet
from lambda_arch.errors import ArchitectureError

Architecture = ResNet | MobileNet | EfficientNet
"""An immutable value with ``image_size``, ``classes`` and ``letters``, those of its layers. ``str()`` is its name."""


@dataclass(frozen=True)
class Family:
    """A family: the type of its values, and what its names and settings mean.

    ``names``: its base names, each with what it is. ``base`` returns the architecture of one of them. ``options``: the
    names of those that it takes. ``configure`` returns an architecture with settings and an image size on top.
    ``stages``: whether its settings may be for one stage or block.
    """

    kind: type[Architecture]
    names: Mapping[str, str]
    base: Callable[[str], Architecture]
    options: tuple[str, ...]
    configure: Callable[[Any, Sequence[Setting], int | None], Architecture]
    stages: bool = False


FAMILIES = (
    Family(
        ResNet,
        resnet_configure.BASE_NAMES,
        resnet_configure.base_resnet,
        tuple(option.name for option in resnet_names.RESNET_OPTIONS),
        resnet_configure.configure_resnet,
        stages=True,
    ),
    Family(
        MobileNet,
        mobilenet.BASE_NAMES,
        mobilenet.base_mobilenet,
        mobilenet.OPTIONS,
        mobilenet.configure_mobilenet,
    ),
    Family(
        EfficientNet,
        efficientnet.BASE_NAMES,
        efficientnet.base_efficientnet,
        efficientnet.OPTIONS,
        efficientnet.configure_efficientnet,
    ),
)

_FAMILY_OF = {family.kind: family for family in FAMILIES}


def configure(base: Architecture, settings: Sequence[Setting], image_size: int | None = None) -> Architecture:
    """Return ``base`` with ``settings`` and ``image_size`` on top.

    Raises :class:`ArchitectureError` for an option that its family does not take and for what cannot be built.
    """
    family = _FAMILY_OF[type(base)]
    for setting in settings:
        name = setting.option.name
        if name not in family.options:
            options = ", ".join(family.options)
            raise ArchitectureError(f"{setting}: no option of {base}; expected one of {options}")
        if setting.stage is not None and not family.stages:
            whole = Setting(setting.option, setting.value)
            raise ArchitectureError(f"{setting}: {base} has no stages c2 to c5; expected {whole} for all of it")
    return family.configure(base, settings, image_size)
