"""What a data set is: images with labels, split, with a digest."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from lambda_arch.errors import DataError

if TYPE_CHECKING:
    from torch import Tensor

    from lambda_arch.arch import Architecture

Labels = NDArray[np.int64]

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Images(Protocol):
    """One side of a data set's split."""

    @property
    def labels(self) -> Labels:
        """The class of each image, (n,)."""
        ...

    @property
    def crops(self) -> bool:
        """Whether :meth:`load` draws crops of random size and shape by itself."""
        ...

    def load(self, indices: Sequence[int], size: int, seeds: Sequence[int] | None = None) -> "Tensor":
        """Return images (b, 3, size, size), uint8.

        ``seeds``, one per image, ask for crops of random size and shape where ``crops`` says that it can.

        Raises :class:`lambda_arch.DataError` naming the file of an image that is damaged.
        """
        ...


@dataclass(frozen=True)
class Data:
    """A data set: its name, class names, both sides of its split, statistics of its pixels (in 0 to 1), and a digest.

    ``digest`` changes with the images or their labels: of arrays their content, of files their names and sizes.
    """

    name: str
    classes: tuple[str, ...]
    train: Images
    val: Images
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    digest: str

    def limited(self, count: int) -> "Data":
        """Return at most ``count`` images of each side, always the same ones."""
        if count < 1:
            raise DataError(f"limit_images={count}: expected a whole number from 1")
        sides = Subset.of(self.train, count), Subset.of(self.val, count)
        return replace(self, train=sides[0], val=sides[1], digest=digest_of([self.digest.encode(), b"%d" % count]))

    def check(self, architecture: "Architecture") -> None:
        """Raise :class:`lambda_arch.DataError` where ``architecture`` has another number of classes."""
        if architecture.classes != len(self.classes):
            raise DataError(
                f"{architecture}: has {architecture.classes} classes and {self.name} {len(self.classes)}; expected "
                f"classes={len(self.classes)}"
            )


@dataclass(frozen=True)
class ArrayImages:
    """Images in memory: (n, H, W) or (n, H, W, 3), uint8; enlarged or reduced as they are loaded."""

    array: NDArray[np.uint8]
    labels: Labels
    crops: bool = False

    def load(self, indices: Sequence[int], size: int, seeds: Sequence[int] | None = None) -> "Tensor":
        """Return images (b, 3, size, size), uint8."""
        import torch
        from torch.nn.functional import interpolate

        chosen = torch.from_numpy(self.array[np.asarray(indices)])
        images = chosen.unsqueeze(1) if chosen.ndim == 3 else chosen.permute(0, 3, 1, 2)
        if images.shape[-2:] != (size, size):
            enlarged = interpolate(images.float(), (size, size), mode="bilinear", antialias=True)
            images = enlarged.round_().clamp_(0, 255).to(torch.uint8)
        return images.expand(-1, 3, -1, -1).contiguous()


@dataclass(frozen=True)
class Subset:
    """Some images of others."""

    images: Images
    indices: Labels

    @classmethod
    def of(cls, images: Images, count: int) -> "Images":
        """Return ``images``, or ``count`` of them drawn once and for all."""
        if count >= len(images.labels):
            return images
        drawn = np.random.RandomState(0).permutation(len(images.labels))[:count]  # its stream never changes
        return cls(images, drawn.astype(np.int64))

    @property
    def labels(self) -> Labels:
        """Those of its images."""
        return self.images.labels[self.indices]

    @property
    def crops(self) -> bool:
        """As the others."""
        return self.images.crops

    def load(self, indices: Sequence[int], size: int, seeds: Sequence[int] | None = None) -> "Tensor":
        """Return images (b, 3, size, size), uint8."""
        return self.images.load([int(self.indices[i]) for i in indices], size, seeds)


def check_labels(labels: Labels, classes: int, where: str) -> None:
    """Raise :class:`lambda_arch.DataError` naming the file for a label that is none of ``classes``."""
    wrong = np.flatnonzero((labels < 0) | (labels >= classes))
    if wrong.size:
        raise DataError(
            f"{where}: label {labels[wrong[0]]} of image {wrong[0]} is out of range; expected 0 to {classes - 1}"
        )


def digest_of(parts: Sequence[bytes | NDArray[np.generic]]) -> str:
    """Return a short hash of bytes and arrays."""
    found = hashlib.sha256()
    for part in parts:
        found.update(part if isinstance(part, bytes) else np.ascontiguousarray(part).data)
    return found.hexdigest()[:16]
