"""Images in folders: ``train`` and ``val``, in each a folder per class."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lambda_arch.errors import DataError
from lambda_arch.training.data import IMAGENET_MEAN, IMAGENET_STD, Data, Labels, digest_of
from lambda_arch.training.decoding import decoded, pillow

if TYPE_CHECKING:
    from torch import Tensor

ENDINGS = {".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"}


@dataclass(frozen=True)
class FileImages:
    """Images in files."""

    paths: tuple[Path, ...]
    labels: Labels
    crops: bool = True

    def load(self, indices: Sequence[int], size: int, seeds: Sequence[int] | None = None) -> "Tensor":
        """Return images (b, 3, size, size), uint8: random crops where there are ``seeds``, else of the centre."""
        return decoded([self.paths[i] for i in indices], [str(self.paths[i]) for i in indices], size, seeds)


def load(path: Path) -> Data:
    """Return the data set of a folder with ``train`` and ``val``, in each a folder per class.

    Raises :class:`lambda_arch.DataError` naming the folder for a class without images, or on one side only, and
    :class:`lambda_arch.SetupError` without Pillow.
    """
    pillow()
    classes = _classes(path / "train")
    others = _classes(path / "val")
    for name in sorted({*classes} ^ {*others}):
        side = "val" if name in classes else "train"
        raise DataError(f"{path / side / name}: no such folder; expected the same classes in train and val")
    (train, seen), (val, seen_too) = (_side(path / side, classes) for side in ("train", "val"))
    digest = digest_of([*seen, *seen_too])
    return Data(path.resolve().name, tuple(classes), train, val, IMAGENET_MEAN, IMAGENET_STD, digest)


def _classes(folder: Path) -> list[str]:
    names = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir() and not entry.name.startswith("."))
    if not names:
        raise DataError(f"{folder}: expected a folder per class in it")
    return names


def _side(folder: Path, classes: Sequence[str]) -> tuple[FileImages, list[bytes]]:
    paths: list[Path] = []
    labels: list[int] = []
    seen: list[bytes] = []
    for label, name in enumerate(classes):
        files = sorted(
            (entry.name, entry.stat().st_size)
            for entry in os.scandir(folder / name)
            if entry.is_file() and os.path.splitext(entry.name)[1].lower() in ENDINGS  # noqa: PTH122  a million times
        )
        if not files:
            raise DataError(f"{folder / name}: no images in this class; expected files such as 0001.jpg")
        paths += [folder / name / file for file, _ in files]
        labels += [label] * len(files)
        seen += [f"{folder.name}/{name}/{file} {size}\n".encode() for file, size in files]
    return FileImages(tuple(paths), np.array(labels, np.int64)), seen
