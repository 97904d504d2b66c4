import pytest
import torch
from safetensors.torch import save, save_file

from lambda_arch.nn import LambdaLayer, build, load, to_safetensors

NAME = "lambda_resnet18:classes=3,k=2,m=3,c4.1.m=global@32"


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_network_comes_back_from_its_file(dtype, tmp_path):
    network = build(NAME, dtype=dtype).eval()
    (tmp_path / "n.safetensors").write_bytes(to_safetensors(network))
    twin = load(tmp_path / "n.safetensors")
    assert str(twin.architecture) == NAME
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, twin.state_dict()[name])
        assert tensor.dtype == twin.state_dict()[name].dtype
    assert all(parameter.requires_grad for parameter in twin.parameters())
    x = torch.randn(1, 3, 32, 32, dtype=dtype)
    assert torch.equal(network(x), twin.eval()(x))


@pytest.mark.slow
@pytest.mark.parametrize(
    "layer",
    [LambdaLayer(8, m=3, u=2), LambdaLayer(8, 4, k=3, h=2, m="global", size=(3, 5)), LambdaLayer(8, position=False)],
)
def test_a_layer_comes_back_from_its_file(layer, tmp_path):
    (tmp_path / "l.safetensors").write_bytes(to_safetensors(layer))
    x = torch.randn(2, 8, 3, 5)
    torch.testing.assert_close(load(str(tmp_path / "l.safetensors")).eval()(x), layer.eval()(x))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a safetensors file, or a truncated one"),
        (to_safetensors(LambdaLayer(8, m=3))[:-1], "not a safetensors file, or a truncated one"),
        (save({"a": torch.zeros(2)}), "names no architecture"),
        (save({"a": torch.zeros(2)}, {"architecture": "resnet5"}), "resnet5: no such architecture"),
        (save({"a": torch.zeros(2)}, {"lambda_layer": "{"}), "Expecting property name"),
        (save({"a": torch.zeros(2)}, {"lambda_layer": '{"dim": 3, "dimension": 3}'}), "dimension"),
        (save({"a": torch.zeros(2)}, {"architecture": "mobilenet"}), 'Unexpected key.* "a"'),
    ],
)
def test_files_that_are_something_else_are_refused(content, message, tmp_path):
    (tmp_path / "n.safetensors").write_bytes(content)
    with pytest.raises(ValueError, match=message) as error:
        load(tmp_path / "n.safetensors")
    assert "\n" not in str(error.value)


def test_a_file_of_another_network_is_refused(tmp_path):
    state = build("mobilenet:classes=10").state_dict()
    save_file(state, tmp_path / "n.safetensors", {"architecture": "mobilenet"})
    with pytest.raises(ValueError, match=r"size mismatch for head\.fc\.weight"):
        load(tmp_path / "n.safetensors")
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "other.safetensors")


def test_shared_embeddings_stay_shared_in_a_file(tmp_path):
    network = build("lambda_resnet26:shared_embeddings=yes,classes=5,k=4,m=3@32").eval()
    path = tmp_path / "shared.safetensors"
    path.write_bytes(to_safetensors(network))
    loaded = load(path).eval()
    x = torch.randn(2, 3, 32, 32)
    assert torch.equal(loaded(x), network(x))
    assert len(list(loaded.parameters())) == len(list(network.parameters()))
