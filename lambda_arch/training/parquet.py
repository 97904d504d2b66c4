"""Encoded images with labels in Parquet files, as data set hubs distribute them. Needs ``lambda-arch[parquet]``."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lambda_arch.errors import DataError, SetupError
from lambda_arch.training.data import IMAGENET_MEAN, IMAGENET_STD, Data, Labels, check_labels, digest_of
from lambda_arch.training.decoding import decoded

if TYPE_CHECKING:
    from torch import Tensor

SIDES = {"train": ("train",), "val": ("val", "valid", "validation", "test")}
IMAGE, LABEL = ("image", "img"), ("label", "labels", "fine_label")
"""What the columns may be called."""


@dataclass(frozen=True)
class ParquetImages:
    """Images in the rows of one or several files. ``names``: file and row of each, for messages."""

    content: Any  # pyarrow's chunked array of bytes
    names: tuple[str, ...]
    starts: Labels
    labels: Labels
    crops: bool = True

    def load(self, indices: Sequence[int], size: int, seeds: Sequence[int] | None = None) -> "Tensor":
        """Return images (b, 3, size, size), uint8: random crops where there are ``seeds``, else of the centre."""
        return decoded([self.content[i].as_py() for i in indices], [self._name(i) for i in indices], size, seeds)

    def _name(self, index: int) -> str:
        file = int(np.searchsorted(self.starts, index, "right")) - 1
        return f"{self.names[file]}, row {index - int(self.starts[file])}"


def is_parquet(path: Path) -> bool:
    """Return whether ``path`` is a folder with Parquet files for training."""
    return path.suffix == ".parquet" or (path.is_dir() and bool(_files(path, "train")))


def load(path: Path) -> Data:
    """Return the data set of a folder with files such as ``train-0.parquet`` and ``val-0.parquet``.

    Raises :class:`lambda_arch.DataError` naming the file that is missing, damaged, or without images and labels.
    """
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise SetupError("Parquet files need pyarrow; expected lambda-arch[parquet] to be installed") from None
    if path.is_file():
        raise DataError(f"{path}: expected the folder with it, with files for training and validation (train, val)")
    sides = {}
    for side in SIDES:
        files = _files(path, side)
        if not files:
            raise DataError(f"{path}: no {side}*.parquet; expected files for training and for validation")
        sides[side] = [_table(file) for file in files], files
    names = next((names for _, _, names in sides["train"][0] if names), ())
    top = 1 + max(int(labels.max(initial=-1)) for tables, _ in sides.values() for _, labels, _ in tables)
    classes = names or tuple(str(i) for i in range(top))
    built = {side: _images(tables, files, len(classes)) for side, (tables, files) in sides.items()}
    empty = sorted({*range(len(classes))} - {int(label) for label in np.unique(built["train"].labels)})
    if empty:
        raise DataError(f"{path}: no image of class {classes[empty[0]]} in train; expected one of every class")
    seen: list[Any] = [built[side].labels for side in SIDES]
    seen += [f"{file.name} {file.stat().st_size}\n".encode() for _, files in sides.values() for file in files]
    return Data(
        path.resolve().name, classes, built["train"], built["val"], IMAGENET_MEAN, IMAGENET_STD, digest_of(seen)
    )


def _files(path: Path, side: str) -> list[Path]:
    found = [*path.glob("*.parquet"), *path.glob("data/*.parquet")]
    return sorted(file for file in found if file.name.split("-")[0].split(".")[0] in SIDES[side])


def _table(path: Path) -> tuple[Any, Labels, tuple[str, ...]]:
    """Return the encoded images, labels and class names (where the file says them) of one file."""
    import json

    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import parquet

    try:
        table = parquet.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: no Parquet file, or a damaged one ({' '.join(str(error).split())})") from None
    image, label = (next((name for name in known if name in table.column_names), None) for known in (IMAGE, LABEL))
    if image is None or label is None:
        raise DataError(f"{path}: expected columns image and label; it has {', '.join(table.column_names)}")
    content = table[image]
    if pa.types.is_struct(content.type):
        content = pc.struct_field(content, "bytes")
    if not (pa.types.is_binary(content.type) or pa.types.is_large_binary(content.type)) or content.null_count:
        raise DataError(f"{path}: column {image}: expected encoded images, bytes in every row")
    if not pa.types.is_integer(table[label].type) or table[label].null_count:
        raise DataError(f"{path}: column {label}: expected a whole number in every row")
    names: tuple[str, ...] = ()
    try:
        info = json.loads((table.schema.metadata or {}).get(b"huggingface", b"{}"))
        names = tuple(info["info"]["features"][label]["names"])
    except (ValueError, KeyError, TypeError):
        pass
    return content, table[label].to_numpy().astype(np.int64), names


def _images(tables: list[tuple[Any, Labels, tuple[str, ...]]], files: list[Path], classes: int) -> ParquetImages:
    import pyarrow as pa

    for (_, labels, _), file in zip(tables, files, strict=True):
        check_labels(labels, classes, str(file))
    content = pa.chunked_array([chunk for column, _, _ in tables for chunk in column.chunks])
    labels = np.concatenate([labels for _, labels, _ in tables])
    starts = np.cumsum([0, *(len(labels) for _, labels, _ in tables[:-1])]).astype(np.int64)
    return ParquetImages(content, tuple(str(file) for file in files), starts, labels)
