"""From names to architectures: ``parse(str(a)) == a`` for every architecture.

    lambda_resnet50:k=8,h=8,u=4,m=7@256
    name           :options        @image size

The name is a base name of a family (``registry.py``) or one of the zoo's.
"""

from collections.abc import Mapping, Sequence

from lambda_arch.arch.checks import whole_number
from lambda_arch.arch.options import Setting, read_setting
from lambda_arch.arch.registry import FAMILIES, Architecture, configure
from lambda_arch.arch.zoo import zoo_entries
from lambda_arch.errors import ArchitectureError, did_you_mean


def parse(text: str, *, image_size: int | None = None, **settings: object) -> Architecture:
    """Return the architecture of a name ``text``, canonical or not, with ``settings`` such as ``k=8`` on top of it.

    Settings are the options of a name: ``parse("lambda_resnet50", k=8)`` is ``parse("lambda_resnet50:k=8")``; those of
    a stage or block are ``**{"c4.k": 8}``. ``image_size``: the side of the images in pixels, as ``@256`` in a name.

    Raises :class:`ArchitectureError`, in one line, for what is unknown or cannot be built.
    """
    return configured(_parsed(text), image_size, settings)


def configured(
    architecture: Architecture | str, image_size: int | None = None, settings: Mapping[str, object] | None = None
) -> Architecture:
    """Return an architecture, or that of a name, with settings by their keys on top; raises as :func:`parse` does."""
    value = _parsed(architecture) if isinstance(architecture, str) else architecture
    if image_size is not None and (isinstance(image_size, bool) or not isinstance(image_size, int)):
        raise ArchitectureError(f"image_size={image_size!r}: expected a whole number, such as 224")
    if not settings and image_size is None:
        return value
    return configure_used(value, [read_setting(key, each) for key, each in (settings or {}).items()], image_size)


def configure_used(base: Architecture, settings: Sequence[Setting], image_size: int | None) -> Architecture:
    """Return ``base`` with settings on top; raises :class:`ArchitectureError` for one that changes nothing."""
    architecture = configure(base, settings, image_size)
    for setting in settings:
        letters = setting.option.letters
        if letters and not architecture.letters & set(letters):
            layers = "lambda" if setting.option.level == "lambda" else " or ".join(letters)
            raise ArchitectureError(
                f"{setting}: {base} has no {layers} layers; expected {' or '.join(letters)} in stages, or it left out"
            )
    return architecture


def _parsed(text: str) -> Architecture:
    if not isinstance(text, str):
        raise ArchitectureError(f"{text!r}: expected the name of an architecture, such as lambda_resnet50")
    name, _, options = text.partition(":")
    body, at, size = text.rpartition("@")
    image_size = whole_number(size) if at else None
    if at:
        name, _, options = body.partition(":")
        if image_size is None:
            raise ArchitectureError(f"@{size}: expected an image size, such as @224")
    return configure_used(named(name.strip()), read_settings(options), image_size)


def read_settings(options: str) -> list[Setting]:
    """Return the settings of a comma-separated text such as ``k=8,c4.3.m=7``."""
    settings: dict[str, Setting] = {}
    for part in options.split(",") if options.strip() else []:
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or not key or not value:
            raise ArchitectureError(f"{part.strip() or 'an empty option'}: expected option=value, such as k=16")
        if key in settings:
            raise ArchitectureError(f"{key}={value}: {key} is set twice; expected it once")
        settings[key] = read_setting(key, value)
    return list(settings.values())


def named(name: str) -> Architecture:
    """Return the architecture of a bare name: a base name (``lambda_resnet50``) or one of the zoo."""
    for family in FAMILIES:
        if name in family.names:
            return family.base(name)
    entry = zoo_entries().get(name)
    if entry is None:
        known = [*zoo_entries(), *(known for family in FAMILIES for known in family.names)]
        near = did_you_mean(name, known) or "; `lambda-arch list` prints those that there are"
        raise ArchitectureError(f"{name or 'an empty name'}: no such architecture{near}")
    return _parsed(entry.canonical)
