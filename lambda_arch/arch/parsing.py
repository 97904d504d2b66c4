"""From names to architectures: ``parse(str(a)) == a`` for every architecture.

    lambda_resnet50:k=8,h=8,u=4,m=7@256
    name           :options        @image size

The name is a base name of a family (``registry.py``) or one of the zoo's.
"""

from lambda_arch.arch.checks import whole_number
from lambda_arch.arch.options import Setting, read_setting
from lambda_arch.arch.registry import FAMILIES, Architecture, configure
from lambda_arch.arch.zoo import zoo_entries
from lambda_arch.errors import ArchitectureError, did_you_mean


def parse(text: str) -> Architecture:
    """Return the architecture of a name, canonical or not.

    Raises :class:`ArchitectureError`, in one line, for what is unknown or cannot be built.
    """
    if not isinstance(text, str):
        raise ArchitectureError(f"{text!r}: expected the name of an architecture, such as lambda_resnet50")
    name, _, options = text.partition(":")
    body, at, size = text.rpartition("@")
    image_size = whole_number(size) if at else None
    if at:
        name, _, options = body.partition(":")
        if image_size is None:
            raise ArchitectureError(f"@{size}: expected an image size, such as @224")
    return configure(named(name.strip()), read_settings(options), image_size)


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
        raise ArchitectureError(f"{name or 'an empty name'}: no such architecture{did_you_mean(name, known)}")
    return parse(entry.canonical)
