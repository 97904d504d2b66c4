"""What tests of runs compare, and how they see one refused."""

import pytest
import torch
from safetensors.torch import load_file

from lambda_arch import train
from lambda_arch.errors import LambdaArchError


def weights_of(runs):
    return load_file(runs[0].weights)


def assert_same(ours, theirs):
    assert ours.keys() == theirs.keys()
    for name, tensor in ours.items():
        assert torch.equal(tensor, theirs[name]), name


def refused(kind, words, *args, **kwargs):
    with pytest.raises(kind) as caught:
        train(*args, **kwargs)
    text = str(caught.value)
    assert isinstance(caught.value, LambdaArchError) and words in text and "\n" not in text, text
    return text
