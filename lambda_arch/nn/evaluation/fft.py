"""Position lambdas by the convolution theorem: spectra of values times spectra of embeddings, in float32 or float64.

For large maps: a position costs k * u * v complex products whatever the scope, plus the transforms.
"""

import math

import torch
from torch import Tensor

from lambda_arch.nn.evaluation.kernels import crop
from lambda_arch.nn.evaluation.problem import Problem


def lambdas(values: Tensor, kernel: Tensor) -> Tensor:
    """Return lambdas (b, v, k, n) from values (b, v, u, H, W) and embeddings (k, u, rows, columns)."""
    height, width = values.shape[-2:]
    near = crop(kernel, height, width)
    below, right = near.shape[2] // 2, near.shape[3] // 2
    size = (smooth(height + below), smooth(width + right))
    wide = torch.float64 if values.dtype == torch.float64 else torch.float32
    spectra = torch.fft.rfft2(values.to(wide), s=size)
    # a layer correlates: the embeddings' spectrum conjugated, and its middle moved to the first row and column
    embeddings = torch.fft.rfft2(near.to(wide), s=size).conj()
    products = (
        torch.einsum("bvuyx,kuyx->bvkyx", spectra, embeddings) if near.shape[1] > 1 else spectra * embeddings[:, 0]
    )
    wrapped = torch.fft.irfft2(products, s=size).roll((below, right), (-2, -1))
    lambdas: Tensor = wrapped[..., :height, :width].flatten(-2).to(values.dtype)
    return lambdas


def smooth(length: int) -> int:
    """Return the least number from ``length`` on whose only prime factors are 2, 3 and 5: quick to transform."""
    while True:
        rest = length
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return length
        length += 1


def macs(at: Problem) -> int:
    """Estimate the multiply-accumulates: 1.25 N log2(N) a real transform (half a complex radix-2 one), 4 a product."""
    rows, columns = at.reach
    size = smooth(at.height + rows // 2) * smooth(at.width + columns // 2)
    transform = 1.25 * size * math.log2(size) if size > 1 else 1.0
    transforms = at.b * at.v * (at.u + at.k) + at.k * at.u
    return round(transforms * transform + 4 * at.b * at.v * at.k * at.u * size / 2)
