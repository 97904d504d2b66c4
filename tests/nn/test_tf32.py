"""TF32 is read and restored whichever of torch's two sets of flags a program uses."""

import pytest
import torch

from lambda_arch.nn.evaluation import tf32

NEWER = hasattr(torch.backends.cudnn, "conv")


def flags():
    return tf32.of_products(), tf32.of_convolutions()


@pytest.fixture(autouse=True)
def _as_before():
    with tf32.tf32_kept():
        yield


@pytest.mark.parametrize("products", [False, True])
@pytest.mark.parametrize("convolutions", [False, True])
@pytest.mark.parametrize("newer", [False, pytest.param(True, marks=pytest.mark.skipif(not NEWER, reason="torch 2.9"))])
def test_flags_are_read_and_restored(products, convolutions, newer):
    if newer:
        torch.backends.cuda.matmul.fp32_precision = tf32.ON if products else tf32.OFF
        torch.backends.cudnn.conv.fp32_precision = tf32.ON if convolutions else tf32.OFF
    else:
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = products, convolutions
    assert flags() == (products, convolutions)
    with tf32.tf32_kept():
        for on in (True, False):
            tf32.set_tf32(on)
            assert flags() == (on, on)
    assert flags() == (products, convolutions)
