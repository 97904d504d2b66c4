"""CIFAR-10 and CIFAR-100 (Krizhevsky 2009) as their author distributes them: binary files, or pickled arrays.

Nothing but numpy arrays and plain containers is unpickled.
"""

import codecs
import io
import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from lambda_arch.errors import DataError
from lambda_arch.training.data import ArrayImages, Data, Labels, check_labels, digest_of

SIDE = 32
PIXELS = 3 * SIDE * SIDE


@dataclass(frozen=True)
class Distribution:
    """One of the four: where its files are, and how they are read.

    ``label``: the key of its labels in pickled files. ``skipped``: bytes before the label of a binary record.
    """

    name: str
    folder: str
    train: tuple[str, ...]
    test: str
    meta: str
    classes: int
    names: str
    label: str = ""
    skipped: int = 0
    path: Path = Path()

    def load(self) -> Data:
        """Return the data set. Raises :class:`lambda_arch.DataError` naming the file that is missing or damaged."""
        read = _pickled if self.label else _binary
        train = _joined([read(self, self.path / file) for file in self.train])
        test = read(self, self.path / self.test)
        digest = digest_of([train.array, train.labels, test.array, test.labels])
        # of the training images, as published implementations print them
        mean, std = (
            ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616))
            if self.classes == 10
            else ((0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762))
        )
        return Data(self.name, self._names(), train, test, mean, std, digest)

    def _names(self) -> tuple[str, ...]:
        path = self.path / self.meta
        if self.label:
            names = [as_text(name) for name in _unpickle(path).get(self.names, ())]
        else:
            try:
                names = path.read_text("utf-8").split()
            except (OSError, UnicodeDecodeError) as error:
                raise DataError(f"{path}: cannot be read ({error})") from None
        if len(names) != self.classes:
            raise DataError(f"{path}: names {len(names)} classes; expected {self.classes}")
        return tuple(names)


BATCHES = tuple(f"data_batch_{i}" for i in range(1, 6))
DISTRIBUTIONS = (
    Distribution(
        "cifar10",
        "cifar-10-batches-bin",
        tuple(f"{name}.bin" for name in BATCHES),
        "test_batch.bin",
        "batches.meta.txt",
        10,
        "",
    ),
    Distribution("cifar100", "cifar-100-binary", ("train.bin",), "test.bin", "fine_label_names.txt", 100, "", "", 1),
    Distribution("cifar10", "cifar-10-batches-py", BATCHES, "test_batch", "batches.meta", 10, "label_names", "labels"),
    Distribution("cifar100", "cifar-100-python", ("train",), "test", "meta", 100, "fine_label_names", "fine_labels"),
)


def find(path: Path) -> Distribution | None:
    """Return the distribution that ``path`` is, or has in a folder of its usual name; None where there is none."""
    for one in DISTRIBUTIONS:
        for folder in (path, path / one.folder):
            if (folder / one.train[0]).is_file() and (folder / one.meta).is_file():
                return replace(one, path=folder)
            if folder.name == one.folder and folder.is_dir():
                missing = next(name for name in (*one.train, one.test, one.meta) if not (folder / name).is_file())
                raise DataError(f"{folder / missing}: no such file; expected the whole of {one.name}")
    return None


def _joined(parts: list[ArrayImages]) -> ArrayImages:
    return ArrayImages(np.concatenate([part.array for part in parts]), np.concatenate([part.labels for part in parts]))


def _images(pixels: Any, labels: Labels, classes: int, path: Path) -> ArrayImages:
    check_labels(labels, classes, str(path))
    return ArrayImages(np.ascontiguousarray(pixels.reshape(-1, 3, SIDE, SIDE).transpose(0, 2, 3, 1)), labels)


def _binary(one: Distribution, path: Path) -> ArrayImages:
    content = np.frombuffer(_content(path), np.uint8)
    record = one.skipped + 1 + PIXELS
    if not content.size or content.size % record:
        raise DataError(f"{path}: {content.size:,} bytes; expected a whole number of records of {record:,} bytes")
    records = content.reshape(-1, record)
    return _images(records[:, -PIXELS:], records[:, one.skipped].astype(np.int64), one.classes, path)


def _pickled(one: Distribution, path: Path) -> ArrayImages:
    found = _unpickle(path)
    pixels, labels = found.get("data"), found.get(one.label)
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.shape[1:] != (PIXELS,):
        raise DataError(f"{path}: expected data of {PIXELS:,} bytes per image")
    if not isinstance(labels, list) or len(labels) != len(pixels) or not all(isinstance(x, int) for x in labels):
        raise DataError(f"{path}: expected {one.label}, a whole number per image")
    return _images(pixels, np.array(labels, np.int64), one.classes, path)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}") from None


def _unpickle(path: Path) -> Mapping[str, Any]:
    content = _content(path)
    try:
        found = _ArraysOnly(io.BytesIO(content), encoding="bytes").load()
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
    except Exception as error:  # whatever a damaged pickle makes of it
        raise DataError(f"{path}: damaged, or no pickle ({' '.join(str(error).split())})") from None
    if not isinstance(found, dict):
        raise DataError(f"{path}: expected a pickled dictionary")
    return {as_text(key): value for key, value in found.items()}


def as_text(value: object) -> str:
    """Return a text of Python 2, which comes as bytes."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _latin1(text: str, encoding: str) -> bytes:
    if encoding not in ("latin1", "latin-1"):
        raise DataError(f"pickled text in {encoding}; expected numpy arrays alone")
    return codecs.latin_1_encode(text)[0]


class _ArraysOnly(pickle.Unpickler):
    """Unpickles containers, numbers, texts and numpy arrays; refuses every other name."""

    def find_class(self, module: str, name: str) -> Callable[..., Any]:
        """Return the function that makes an array or its type."""
        from numpy._core.multiarray import _reconstruct

        if module in ("numpy.core.multiarray", "numpy._core.multiarray") and name == "_reconstruct":
            return _reconstruct
        if (module, name) == ("numpy", "ndarray"):
            return np.ndarray
        if (module, name) == ("numpy", "dtype"):
            return np.dtype
        if (module, name) == ("_codecs", "encode"):  # how Python 3 writes bytes for Python 2
            return _latin1
        raise DataError(f"the pickle asks for {module}.{name}; expected numpy arrays alone")
