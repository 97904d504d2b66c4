"""Two small real data sets that come with scikit-learn's handwritten digits: ``digits`` and ``digit-pairs``.

``digits``: 1,797 images of 8x8 pixels; every fifth is for validation. ``digit-pairs``: two of them far apart on one
canvas, near its left and its right edge; the label is the last figure of their sum, so that neither half of the image
tells it. No source image is on both sides of the split.
"""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lambda_arch.errors import SetupError
from lambda_arch.lazy import check_installed
from lambda_arch.training.data import ArrayImages, Data, Labels, digest_of

NAMES = ("digits", "digit-pairs")
CLASSES = tuple(str(figure) for figure in range(10))
GREY_LEVELS = 16
EVERY = 5
"""Every so many images one is for validation."""
CANVAS = 32
PAIRS, VAL_PAIRS = 8000, 2000


def is_name(where: str) -> bool:
    """Return whether ``where`` names one of these data sets, ``digit-pairs:7`` included."""
    return where.partition(":")[0] in NAMES


def load(name: str) -> Data:
    """Return the digits or their pairs; ``digit-pairs:7`` has pairs of the digits below 7 only, an easier task.

    Raises :class:`lambda_arch.SetupError` without scikit-learn, and for a number of digits that is not from 2 to 10.
    """
    below = _below(name)
    images, labels = _source()
    held_out = np.arange(len(images)) % EVERY == EVERY - 1
    learned, held_out = (side & (labels < below) for side in (~held_out, held_out))
    sides = [(images[learned], labels[learned], PAIRS), (images[held_out], labels[held_out], VAL_PAIRS)]
    if name != "digits":
        train, val = (_pairs(*side, seed) for seed, side in enumerate(sides))
    else:
        train, val = (ArrayImages(array, figures) for array, figures, _ in sides)
    pixels = train.array / 255
    mean, std = round(float(pixels.mean()), 4), round(float(pixels.std()), 4)
    digest = digest_of([train.array, train.labels, val.array, val.labels])
    return Data(name, CLASSES, train, val, (mean,) * 3, (std,) * 3, digest)


def _source() -> tuple[NDArray[np.uint8], Labels]:
    """Return scikit-learn's digits from the file that it installs; to import the library takes a second."""
    check_installed("train", "sklearn")
    (folder,) = find_spec("sklearn").submodule_search_locations  # type: ignore[union-attr, misc]
    table = np.loadtxt(Path(folder) / "datasets" / "data" / "digits.csv.gz", delimiter=",")
    images = table[:, :-1].reshape(-1, 8, 8)
    return np.round(images * (255 / GREY_LEVELS)).astype(np.uint8), table[:, -1].astype(np.int64)


def _below(name: str) -> int:
    kind, colon, number = name.partition(":")
    if not colon:
        return len(CLASSES)
    if kind != "digit-pairs" or not number.isdecimal() or not 2 <= int(number) <= len(CLASSES):
        raise SetupError(f"data={name}: expected digit-pairs:N with N from 2 to {len(CLASSES)}, such as digit-pairs:7")
    return int(number)


def _pairs(images: NDArray[np.uint8], labels: Labels, count: int, seed: int) -> ArrayImages:
    """Return ``count`` canvases: one digit in the left quarter, one in the right, each at a height of its own."""
    draw = np.random.RandomState(seed)  # its stream is the same in every version of numpy
    first, second = draw.randint(len(images), size=(2, count))
    side = images.shape[1]
    tops = draw.randint(CANVAS - side + 1, size=(2, count))
    canvas = np.zeros((count, CANVAS, CANVAS), np.uint8)
    for i in range(count):
        canvas[i, tops[0, i] : tops[0, i] + side, :side] = images[first[i]]
        canvas[i, tops[1, i] : tops[1, i] + side, -side:] = images[second[i]]
    return ArrayImages(canvas, (labels[first] + labels[second]) % 10)
