"""Encoded images, decoded and cut by Pillow; random crops are drawn by kornia."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lambda_arch.errors import DataError, SetupError

if TYPE_CHECKING:
    from torch import Tensor

CENTRE = 0.875
"""Of the shorter side: what evaluation sees of an image, as ImageNet is evaluated."""
AREA, RATIO = (0.08, 1.0), (3 / 4, 4 / 3)
"""Of random crops (Szegedy et al. 2015)."""


def decoded(sources: Sequence[Path | bytes], names: Sequence[str], size: int, seeds: Sequence[int] | None) -> "Tensor":
    """Return the images of files, or of their content, (b, 3, size, size), uint8.

    Raises :class:`lambda_arch.DataError` with the name of one that is damaged.
    """
    import torch

    arrays = [
        _decoded(source, name, size, None if seeds is None else seeds[i])
        for i, (source, name) in enumerate(zip(sources, names, strict=True))
    ]
    return torch.from_numpy(np.stack(arrays)).permute(0, 3, 1, 2).contiguous()


def pillow() -> Any:
    """Return its module of images. Raises :class:`lambda_arch.SetupError` where Pillow is not installed."""
    try:
        from PIL import Image
    except ImportError:
        raise SetupError("images in files need Pillow; expected lambda-arch[train] to be installed") from None
    return Image


def _decoded(source: Path | bytes, name: str, size: int, seed: int | None) -> np.ndarray[Any, np.dtype[np.uint8]]:
    library = pillow()
    try:
        with library.open(io.BytesIO(source) if isinstance(source, bytes) else source) as image:
            width, height = image.size
            box = _centre(width, height, size) if seed is None else _drawn(width, height, seed)
            # lets JPEG decode at a half, a quarter or an eighth of the size, no smaller than needed
            seen = min(box[2] - box[0], box[3] - box[1])
            image.draft("RGB", (int(width * size / seen) + 1, int(height * size / seen) + 1))
            scale = image.size[0] / width
            rgb = image.convert("RGB")
            scaled = [min(edge * scale, rgb.size[i % 2]) for i, edge in enumerate(box)]
            resized = rgb.resize((size, size), library.Resampling.BICUBIC, box=scaled)
    except Exception as error:  # whatever a damaged file makes of a decoder
        raise DataError(f"{name}: damaged image ({' '.join(str(error).split())})") from None
    return np.asarray(resized, np.uint8)


def _centre(width: int, height: int, size: int) -> tuple[float, float, float, float]:
    """Return the box of the centre: a square of ``CENTRE`` of the shorter side; all of it for an image that small."""
    side = min(width, height) * (CENTRE if min(width, height) > size else 1.0)
    left, top = (width - side) / 2, (height - side) / 2
    return left, top, left + side, top + side


def _drawn(width: int, height: int, seed: int) -> tuple[float, float, float, float]:
    """Return the box of a random crop, drawn by kornia."""
    import torch
    from kornia.augmentation.random_generator import ResizedCropGenerator

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        corners = ResizedCropGenerator((1, 1), AREA, RATIO)(torch.Size((1, 3, height, width)))["src"][0]
    left, top = (float(edge) for edge in corners[0])
    right, bottom = (float(edge) for edge in corners[2])
    return left, top, min(right + 1, width), min(bottom + 1, height)
