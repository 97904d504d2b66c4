"""The table of families of architectures, and extensions that add to it.

An extension is a value named ``EXTENSION`` in a module of its own: families, options and kinds of layer, which
:func:`register` adds to ours (docs/extending.md says how).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any, Protocol

from lambda_arch.arch import efficientnet, mobilenet, resnet_configure
from lambda_arch.arch.efficientnet import EfficientNet
from lambda_arch.arch.layers import LAYERS
from lambda_arch.arch.mobilenet import MobileNet
from lambda_arch.arch.options import BY_NAME, OPTIONS, Option, Setting
from lambda_arch.arch.part import Part
from lambda_arch.arch.resnet import ResNet
from lambda_arch.errors import ArchitectureError


class Architecture(Protocol):
    """An immutable, hashable value that describes one network. ``str()`` is its canonical name."""

    @property
    def image_size(self) -> int:
        """The side of its images."""

    @property
    def classes(self) -> int:
        """The number of classes of its head."""

    @property
    def letters(self) -> frozenset[str]:
        """The letters of its layers."""

    def __hash__(self) -> int:
        """Equal architectures have equal hashes."""

    def parts(self, image_size: Any = None) -> Iterator[Part]:
        """Yield its parts in order; ``image_size`` (an integer or an array) replaces its own."""


def with_fields(base: Any, settings: Sequence[Setting], image_size: int | None = None) -> Any:
    """Return ``base`` with the fields of ``settings`` replaced, which is enough for a family without layer options."""
    changes: dict[str, Any] = {setting.option.field: setting.value for setting in settings}
    return replace(base, **changes, **({} if image_size is None else {"image_size": image_size}))


@dataclass(frozen=True)
class Family:
    """A family of architectures: the type of its values, and how its names and settings are read.

    ``kind``: a frozen dataclass that is an :class:`Architecture`. ``names``: its base names, each with a description.
    ``base`` returns the architecture of a base name. ``configure`` returns an architecture with settings and an image
    size on top. ``letters``: the layers that it can hold. ``stages``: whether a setting may be for one stage or block.
    """

    kind: type[Any]
    names: Mapping[str, str]
    base: Callable[[str], Architecture]
    configure: Callable[[Any, Sequence[Setting], int | None], Architecture] = with_fields
    letters: str = ""
    stages: bool = False

    @property
    def options(self) -> list[str]:
        """The names of the options that it takes: those of its own fields, its layers and its blocks."""
        own = self.kind.__match_args__
        return [
            option.name
            for option in OPTIONS
            if (option.level == "network" and option.field in own)
            or (option.level == "block" and self.stages)
            or set(option.letters) & set(self.letters)
        ]


FAMILIES = [
    Family(
        ResNet,
        resnet_configure.BASE_NAMES,
        resnet_configure.base_resnet,
        resnet_configure.configure_resnet,
        letters="".join(LAYERS),
        stages=True,
    ),
    Family(MobileNet, mobilenet.BASE_NAMES, mobilenet.base_mobilenet, mobilenet.configure_mobilenet, letters="L"),
    Family(EfficientNet, efficientnet.BASE_NAMES, efficientnet.base_efficientnet),
]


def configure(base: Architecture, settings: Sequence[Setting], image_size: int | None = None) -> Architecture:
    """Return ``base`` with ``settings`` and ``image_size`` on top.

    Raises :class:`ArchitectureError` for an option that its family does not take and for what cannot be built.
    """
    family = next(family for family in FAMILIES if family.kind is type(base))
    for setting in settings:
        if setting.option.name not in (options := family.options):
            raise ArchitectureError(f"{setting}: no option of {base}; expected one of {', '.join(options)}")
        if setting.stage is not None and not family.stages:
            whole = Setting(setting.option, setting.value)
            raise ArchitectureError(f"{setting}: {base} has no stages c2 to c5; expected {whole} for all of it")
    return family.configure(base, settings, image_size)


@dataclass(frozen=True)
class Extension:
    """What a module adds: ``families``, ``options``, and kinds of ``layers``, which replace ours of the same letter."""

    families: tuple[Family, ...] = ()
    options: tuple[Option, ...] = ()
    layers: tuple[type[Any], ...] = ()


_modules: list[str] = []


def register(module: str) -> AbstractContextManager[None]:
    """Add the ``EXTENSION`` of the ``module`` of this name: for good, or until the end of the context that it returns.

    Importing the module registers the closed forms and torch modules of its parts, by
    :func:`~lambda_arch.arch.kinds.formula_of` and :func:`~lambda_arch.arch.kinds.module_of`. Raises ImportError for a
    module that cannot be imported.
    """
    extension: Extension = import_module(module).EXTENSION
    tables: list[Any] = [FAMILIES, OPTIONS, BY_NAME, LAYERS, _modules]
    before = [table.copy() for table in tables]
    if module not in _modules:
        _modules.append(module)
        FAMILIES.extend(extension.families)
        OPTIONS.extend(extension.options)
        BY_NAME.update({option.name: option for option in extension.options})
        LAYERS.update({layer.letter: layer for layer in extension.layers})

    @contextmanager
    def registered() -> Iterator[None]:
        try:
            yield
        finally:
            for table, old in zip(tables, before, strict=True):
                table.clear()
                table.update(old) if isinstance(table, dict) else table.extend(old)

    return registered()


def extension_modules() -> tuple[str, ...]:
    """Return the names of the registered modules, for another process to :func:`register`."""
    return tuple(_modules)
