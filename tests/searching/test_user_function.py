import math

import pytest

from lambda_arch.arch import parse
from lambda_arch.errors import DataError
from lambda_arch.searching.user_function import read_function


@pytest.mark.parametrize("value", [math.nan, None, "five", [1.0]])
def test_what_is_no_number_is_named_with_its_architecture(value):
    _, function = read_function(lambda architecture: value)
    with pytest.raises(DataError, match=r"for resnet50@64; expected a finite number"):
        function(parse("resnet50@64"))
