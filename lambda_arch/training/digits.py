"""Two small real data sets that come with scikit-learn's handwritten digits: ``digits`` and ``digit-pairs``.

``digits``: 1,797 images of 8x8 pixels; every fifth is for validation. ``digit-pairs``: two of them far apart on one
canvas, near its left and its right edge; the label is the last figure of their sum, so that neither half of the image
tells it. No source image is on both sides of the split.
"""

import numpy as np
from numpy.typing import NDArray

from lambda_arch.errors import SetupError
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
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise SetupError(f"data={name}: needs scikit-learn; expected lambda-arch[train] to be installed") from None

    source = load_digits()
    images = np.round(source.images * (255 / GREY_LEVELS)).astype(np.uint8)
    labels = source.target.astype(np.int64)
    held_out = np.arange(len(images)) % EVERY == EVERY - 1
    images, labels, held_out = (each[labels < below] for each in (images, labels, held_out))
    sides = [(images[~held_out], labels[~held_out], PAIRS), (images[held_out], labels[held_out], VAL_PAIRS)]
    if name != "digits":
        train, val = (_pairs(*side, seed) for seed, side in enumerate(sides))
    else:
        train, val = (ArrayImages(array, figures) for array, figures, _ in sides)
    pixels = train.array / 255
    mean, std = round(float(pixels.mean()), 4), round(float(pixels.std()), 4)
    digest = digest_of([train.array, train.labels, val.array, val.labels])
    return Data(name, CLASSES, train, val, (mean,) * 3, (std,) * 3, digest)


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
