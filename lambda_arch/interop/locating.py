"""Where the source of a referenced module is, found without running it, and a digest of it."""

import ast
import hashlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import packages_distributions, version
from importlib.util import find_spec
from pathlib import Path

from lambda_arch.errors import ArchitectureError, did_you_mean, shown
from lambda_arch.interop.references import Reference

INSTALLED = ("site-packages", "dist-packages")


@dataclass(frozen=True, slots=True)
class Location:
    """The absolute path of the ``file`` (or, for a package, of its folder), and the ``folder`` to import it from.

    ``installed``: whether it belongs to an installed package, which changes with its version alone.
    """

    file: str
    folder: str
    installed: bool = False


def locate(reference: Reference) -> Location:
    """Return where a reference points to.

    A package or module is looked for as Python does, and then in the current folder, because the user named it; nothing
    else is imported from there unless it is. Raises :class:`ArchitectureError` if there is none.
    """
    source = reference.source
    if reference.is_file:
        path = Path(source)
        if not path.is_file():
            near = [str(each) for each in path.parent.glob("*.py")] if path.parent.is_dir() else []
            raise ArchitectureError(f"{reference}: no file {shown(source)}{did_you_mean(source, near)}")
        return Location(str(path.resolve()), str(path.resolve().parent))
    top = source.partition(".")[0]
    spec = _find(top) or PathFinder.find_spec(top, [str(Path.cwd())])
    places = list(spec.submodule_search_locations or ()) if spec else []
    place = places[0] if places else spec.origin if spec and spec.has_location else None
    if place is None:
        raise ArchitectureError(f"{reference}: no module {shown(top)}, neither installed nor in the current folder")
    path = Path(place).resolve()
    return Location(str(path), str(path.parent), any(part in INSTALLED for part in path.parts))


def source_digest(reference: Reference, location: Location) -> str:
    """Return what the source of a reference is: a package's version, or a digest of its files.

    The digest is of the file, or of all Python files of the package, and of those beside it that they import.
    """
    top = reference.source.partition(".")[0]
    if location.installed and (names := packages_distributions().get(top)):
        return " ".join(f"{name} {version(name)}" for name in sorted(set(names)))
    found = hashlib.sha256()
    for path in sorted(set(_sources(Path(location.file), Path(location.folder)))):
        found.update(path.relative_to(location.folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()[:16]


def _find(top: str) -> ModuleSpec | None:
    try:
        return find_spec(top)
    except (ValueError, ImportError):  # a module without a spec, such as __main__
        return None


def _sources(start: Path, folder: Path) -> Iterator[Path]:
    """Yield a file, or the files of a package, and what they import from ``folder``."""
    left, seen = [start], {start}
    while left:
        path = left.pop()
        files = sorted(path.rglob("*.py")) if path.is_dir() else [path]
        for file in files:
            yield file
            for name in _imported(file):
                for near in (folder / f"{name}.py", folder / name):
                    if near not in seen and near.exists():
                        seen.add(near)
                        left.append(near)


def _imported(file: Path) -> set[str]:
    """Return the first words of the names that a file imports; none of a file that does not parse."""
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {node.module} if node.module else {alias.name for alias in node.names}
    return {name.partition(".")[0] for name in names}


def add_to_path(folder: str) -> None:
    """Let Python import from ``folder`` too, after all other folders, so that it hides no other module."""
    if folder not in sys.path:
        sys.path.append(folder)
