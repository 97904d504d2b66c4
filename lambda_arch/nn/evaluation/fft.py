"""Position lambdas by the convolution theorem: spectra of values times spectra of embeddings, in float32 or float64.

It is for large maps: a position takes k * u * v complex products whatever the scope, plus the transforms.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from lambda_arch.arch.evaluation_shapes import fft_period as period
from lambda_arch.nn.evaluation.embeddings import crop
from lambda_arch.nn.evaluation.layer_shape import LayerShape


def maps(kernel: Tensor, height: int, width: int) -> Tensor:
    """Return the spectra of the embeddings for a map's size, (k, u, Y, X, 2): real and imaginary parts."""
    rows, columns = period(kernel.shape[2:], height, width)
    near = crop(kernel, height, width)
    below, right = near.shape[2] // 2, near.shape[3] // 2
    # a layer correlates: the middle of the embeddings moves to the first row and column, and spectra are conjugated
    near = F.pad(near, (0, columns - near.shape[3], 0, rows - near.shape[2])).roll((-below, -right), (-2, -1))
    # as real numbers, which a network can hold and cast
    return torch.view_as_real(torch.fft.rfft2(near.to(_wide(near))).conj().resolve_conj())


def lambdas(values: Tensor, kernel: Tensor, maps: Tensor) -> Tensor:
    """Return lambdas (b, v, k, n) from values (b, v, u, H, W), embeddings (k, u, rows, columns), their :func:`maps`."""
    height, width = values.shape[-2:]
    size = period(kernel.shape[2:], height, width)
    spectra = torch.fft.rfft2(values.to(_wide(values)), s=size)
    embeddings = torch.view_as_complex(maps.to(_wide(values)))
    products = (
        torch.einsum("bvuyx,kuyx->bvkyx", spectra, embeddings) if kernel.shape[1] > 1 else spectra * embeddings[:, 0]
    )
    lambdas: Tensor = torch.fft.irfft2(products, s=size)[..., :height, :width].flatten(-2).to(values.dtype)
    return lambdas


def macs(at: LayerShape) -> int:
    """Estimate the multiply-accumulates: 1.25 N log2(N) per real transform (half of a complex one), 4 per product."""
    size = math.prod(period(at.scope or (1, 1), at.height, at.width))
    transform = 1.25 * size * math.log2(size) if size > 1 else 1.0
    transforms = at.b * at.v * (at.u + at.k) + at.k * at.u
    return round(transforms * transform + 4 * at.b * at.v * at.k * at.u * size / 2)


def largest(at: LayerShape) -> int:
    """Return the real numbers of the largest tensor per image: the spectra of its lambdas."""
    rows, columns = period(at.scope or (1, 1), at.height, at.width)
    return at.v * at.k * rows * (columns // 2 + 1) * 2


def _wide(tensor: Tensor) -> torch.dtype:
    return torch.float64 if tensor.dtype == torch.float64 else torch.float32
