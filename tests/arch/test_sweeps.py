import pytest

from lambda_arch.arch import sweep
from lambda_arch.arch.sweeps import MOST_SWEPT
from lambda_arch.errors import ArchitectureError


def names(*arguments, **choices):
    return [str(each.architecture) for each in sweep(*arguments, **choices)]


def test_a_sweep_is_the_product_in_order():
    found = sweep("lambda_resnet50:k=8|16,h=4|8,u=1")
    assert [str(each.architecture) for each in found] == [
        "lambda_resnet50:k=8",
        "lambda_resnet50:k=8,h=8",
        "lambda_resnet50",
        "lambda_resnet50:h=8",
    ]
    assert [each.values for each in found][1] == {"k": "8", "h": "8"}  # what is not swept is no column
    assert names("lambda_resnet50", k=[8, 16], h=(4, 8)) == [str(each.architecture) for each in found]


def test_ranges_are_those_of_space_files():
    assert names("lambda_resnet50:k={from=4,to=16,times=2}@224|256") == [
        "lambda_resnet50:k=4",
        "lambda_resnet50:k=4@256",
        "lambda_resnet50:k=8",
        "lambda_resnet50:k=8@256",
        "lambda_resnet50",
        "lambda_resnet50@256",
    ]


def test_choices_on_top_replace_those_of_the_name():
    assert names("lambda_resnet50:k=2|4,m=7", k=8) == ["lambda_resnet50:k=8,m=7"]
    assert names("lambda_resnet50:stages=CCLL|CCCL") == ["lambda_resnet50:stages=CCLL", "lambda_resnet50:stages=CCCL"]


def test_a_name_without_choices_is_one_architecture():
    (found,) = sweep("lambda_resnet50:c4.k=8@256")
    assert (str(found.architecture), found.values) == ("lambda_resnet50:c4.k=8@256", {})


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("lambda_resnet50:k=8|", r"k=8\|: an empty value; expected values with \| between them"),
        ("lambda_resnet50@", "lambda_resnet50@: expected an image size after @"),
        ("lambda_resnet50:k=8|x", "k=x: expected a whole number"),
        ("lambda_resnet50:k={from=4}", "k={ from = 4 }: expected from, to, and one of step and times"),
        ("lambda_resnet50:k={from=4", "expected a range such as"),
        (
            "lambda_resnet50:k={from=1,to=200,step=1},m={from=1,to=121,step=2}",
            f"12,200 architectures; expected at most {MOST_SWEPT:,}",
        ),
        ("lambda_resnet50:k=8|16,k=4", "k is set twice"),
    ],
)
def test_what_is_no_sweep_is_one_line(name, words):
    with pytest.raises(ArchitectureError, match=words):
        sweep(name)
