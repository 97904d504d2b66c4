import numpy as np
import pytest

from lambda_arch.training.data import ArrayImages, Data, digest_of
from lambda_arch.training.recipe import Recipe

TINY = "lambda_mobilenet:classes=4@16"
"""A network that learns in milliseconds."""


def make_data(train=24, val=8, classes=4, size=16, seed=0):
    """Return images of noise, each with a bright corner that tells its class."""
    draw = np.random.RandomState(seed)
    sides = []
    for count in (train, val):
        labels = (np.arange(count) % classes).astype(np.int64)
        array = draw.randint(0, 128, (count, size, size), dtype=np.int64).astype(np.uint8)
        half = size // 2
        for image, label in zip(array, labels, strict=True):
            top, left = half * (label // 2), half * (label % 2)
            image[top : top + half, left : left + half] += 127
        sides.append(ArrayImages(array, labels))
    digest = digest_of([sides[0].array, sides[0].labels, sides[1].array, sides[1].labels])
    return Data("corners", tuple("abcd"[:classes]), *sides, (0.5,) * 3, (0.25,) * 3, digest)


@pytest.fixture(scope="session")
def corners():
    return make_data()


@pytest.fixture
def quick():
    return Recipe(epochs=2, batch_size=8, lr=0.05, sched="cosine", weight_decay=1e-4)
