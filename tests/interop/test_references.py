import functools

import pytest
from torch import nn

from lambda_arch.errors import ArchitectureError, SetupError
from lambda_arch.interop import reference_to
from lambda_arch.interop.inputs import Input, read_input
from lambda_arch.interop.references import is_reference, read_reference
from tests.interop.user_models import Attention


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("models.py:Net", "models.py:Net"),
        ("models.py:Net()", "models.py:Net"),
        ("a b/models.py:Net( width = 64 ,depth=[1,2] )", "a b/models.py:Net(width=64, depth=[1, 2])"),
        ('timm:create_model("vit_tiny", num_classes=-1)', "timm:create_model('vit_tiny', num_classes=-1)"),
        ("torchvision.models:resnet50@1,3,64,64", "torchvision.models:resnet50@1,3,64,64"),
        ("m:f('a@1,2')", "m:f('a@1,2')"),
        ("m:f@1,3,224,224", "m:f"),
        ("m:f@2,5:int64;2,3:float32", "m:f@2,5:int64;2,3"),
        (r"C:\nets\models.py:Net.make(1)", r"C:\nets\models.py:Net.make(1)"),
    ],
)
def test_a_reference_has_one_canonical_text(text, canonical):
    assert is_reference(text)
    assert str(read_reference(text)) == canonical
    assert read_reference(canonical) == read_reference(text)


@pytest.mark.parametrize(
    "name", ["resnet50", "lambda_resnet50:k=8", "lambda_resnet50:k", "lambda_resnet50@224", "x.toml"]
)
def test_names_of_architectures_are_no_references(name):
    assert not is_reference(name)


@pytest.mark.parametrize(
    "arguments",
    [
        "__import__('os').system('true')",
        "open('x')",
        "*[1]",
        "**{'a': 1}",
        "1 + x",
        "a=1, a=2",
        "1) + f(2",
        "1e999",
        "f'{1}'",
    ],
)
def test_arguments_are_literals_alone(arguments):
    with pytest.raises(ArchitectureError, match="expected literal arguments"):
        read_reference(f"m.py:f({arguments})")


def test_arguments_are_read_as_values():
    positional, keywords = read_reference("m:f('a', -1, (2, None), depth=[3], on=True, rate=.5)").literals()
    assert positional == ["a", -1, (2, None)]
    assert keywords == {"depth": [3], "on": True, "rate": 0.5}


@pytest.mark.parametrize("text", ["m.py:f(1", "m:lambda", "m.py:" + "f" * 2000, "no colon"])
def test_other_spellings_are_refused_in_one_line(text):
    with pytest.raises(ArchitectureError) as error:
        read_reference(text)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 300


@pytest.mark.parametrize("text", ["", "1,,3", "0,3", "a", "1,3:float33", "1;3", "99999,99999,9", "١"])
def test_what_is_no_input_is_refused(text):
    with pytest.raises(SetupError, match="input="):
        read_input(text)


def test_an_input_is_made_for_a_batch():
    assert read_input("1,3,8,8").of_batch(4) == Input((4, 3, 8, 8))
    assert read_input("77,512").of_batch(4) == Input((77, 512))
    tensor = read_input("2,5:int64").tensor()
    assert (tensor.shape, str(tensor.dtype)) == ((2, 5), "torch.int64")
    assert set(tensor.flatten().tolist()) <= {0, 1}


def test_the_image_size_is_that_of_a_square_image():
    assert read_reference("m:f@1,3,64,64").image_size == 64
    assert read_reference("m:f@1,77").image_size == read_reference("m:f@1,3,64,32").image_size == 0


def test_a_factory_in_python_is_named_by_its_module():
    assert str(reference_to(Attention, "1,4,8")) == "tests.interop.user_models:Attention@1,4,8"
    partial = functools.partial(nn.Linear, 8, out_features=4)
    assert str(reference_to(partial)) == "torch.nn.modules.linear:Linear(8, out_features=4)"


def test_a_factory_that_no_other_process_can_import_is_refused():
    def inner():
        return nn.Identity()

    for factory in (inner, lambda: nn.ReLU(True), nn.Identity(), functools.partial(nn.Linear, object())):
        with pytest.raises(ArchitectureError):
            reference_to(factory)
