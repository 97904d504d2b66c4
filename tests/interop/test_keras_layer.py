"""The lambda layer in Keras gives what the torch layer gives, is counted alike, and is saved and loaded."""

import importlib
import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from lambda_arch import nn
from lambda_arch.arch import ArchitectureError, Lambda, Part
from lambda_arch.arch.part import LambdaShape
from lambda_arch.costs.modules import rows
from lambda_arch.errors import SetupError
from lambda_arch.lazy import is_installed

LAYERS = {
    "local": {"m": 7},
    "scope over the map": {"m": 23, "bias": True},
    "scope of one": {"m": 1, "u": 2},
    "intra-depth": {"m": 5, "u": 3},
    "global": {"m": "global", "size": (5, 6)},
    "global, larger map": {"m": "global", "size": (8, 7), "u": 3, "bias": True},
    "content alone": {"position": False, "u": 2},
    "position alone": {"content": False, "m": 5},
    "l2": {"key_norm": "l2", "m": 3, "u": 2},
    "other norms": {"key_norm": "none", "query_softmax": True, "batch_norm": False, "m": 3},
}


@pytest.fixture(scope="module")
def keras():
    return pytest.importorskip("keras")


@pytest.fixture(scope="module")
def layer_type(keras):
    from lambda_arch.keras import LambdaLayer

    return LambdaLayer


def torch_layer(dim=10, dim_out=16, **settings):
    """Return a layer with random weights and batch-norm statistics, as after training."""
    torch.manual_seed(0)
    layer = nn.LambdaLayer(dim, dim_out, **{"k": 6, "h": 4, **settings})
    for name, tensor in layer.state_dict().items():
        if "norm" in name or name.endswith("bias"):
            tensor.copy_(torch.rand(tensor.shape) + 0.5)
    return layer.eval()


def images(batch_size=3, dim=10):
    return torch.randn(batch_size, dim, 5, 6, generator=torch.Generator().manual_seed(1))


def run(layer, x, **arguments):
    """Return what a Keras layer gives for x (b, dim, H, W), in torch's order."""
    from keras import ops

    output = layer(ops.convert_to_tensor(x.permute(0, 2, 3, 1).numpy()), **arguments)
    return torch.from_numpy(ops.convert_to_numpy(output)).permute(0, 3, 1, 2)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", LAYERS)
def test_outputs_and_statistics_equal_torchs(layer_type, name, training):
    theirs = torch_layer(**LAYERS[name])
    ours = layer_type.from_torch(theirs)
    x = images()
    expected = theirs.train(training)(x).detach()
    assert expected.abs().max() > 0.1
    torch.testing.assert_close(run(ours, x, training=training), expected, rtol=1e-5, atol=1e-5)
    back, n = ours.to_torch().state_dict(), x.shape[0] * x.shape[2] * x.shape[3]
    for tensor, value in theirs.state_dict().items():
        if not training and "num_batches" not in tensor:
            torch.testing.assert_close(back[tensor], value, rtol=0, atol=0)
        if training and tensor.endswith("running_mean"):
            torch.testing.assert_close(back[tensor], value)
        if training and tensor.endswith("running_var"):  # torch keeps the unbiased variance of a batch, Keras the other
            old = torch_layer(**LAYERS[name]).state_dict()[tensor]
            torch.testing.assert_close(back[tensor] - 0.9 * old, (value - 0.9 * old) * (n - 1) / n)


@pytest.mark.parametrize("name", ["intra-depth", "global, larger map"])
def test_gradients_equal_torchs(layer_type, name):
    theirs = torch_layer(**LAYERS[name])
    ours = layer_type.from_torch(theirs)
    x = images()
    theirs(x).square().sum().backward()
    ours(x.permute(0, 2, 3, 1)).square().sum().backward()
    for part in ("queries", "keys", "values", "position"):
        gradient = getattr(ours, part).kernel.value.grad.permute(3, 2, 0, 1)
        torch.testing.assert_close(gradient, getattr(theirs, part).weight.grad, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", LAYERS)
def test_the_closed_form_counts_its_parameters(layer_type, name):
    settings = {"k": 6, "h": 4, **LAYERS[name]}
    settings.pop("size", None)
    layer = Lambda(**settings)
    ours = layer_type(16, size=6, **settings)
    ours.build((None, 6, 6, 10))
    part = Part("layer", layer, 10, 16, 6, 6, shape=LambdaShape.of(layer, 6))
    assert sum(variable.value.numel() for variable in ours.trainable_variables) == sum(row.params for row in rows(part))


@pytest.mark.parametrize("name", LAYERS)
def test_a_model_is_saved_and_loaded(keras, layer_type, name, tmp_path):
    layer = layer_type.from_torch(torch_layer(**LAYERS[name]), name="lambdas")
    inputs = keras.Input((5, 6, 10))
    outputs = layer(inputs)
    assert tuple(outputs.shape) == layer.compute_output_shape((None, 5, 6, 10)) == (None, 5, 6, 16)
    keras.Model(inputs, outputs).save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras").get_layer("lambdas")
    assert again.get_config() == layer.get_config()
    torch.testing.assert_close(run(again, images()), run(layer, images()), rtol=0, atol=0)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "bfloat16", "float64"])
@pytest.mark.parametrize("name", ["scope over the map", "global", "l2", "other norms"])
def test_policies_of_dtype(keras, layer_type, name, policy):
    from keras import ops

    theirs = torch_layer(**LAYERS[name]).double()
    ours = layer_type.from_torch(theirs, dtype=policy)
    x = images().double()
    output = ours(ops.convert_to_tensor(x.permute(0, 2, 3, 1).numpy(), "float64"))
    assert keras.backend.standardize_dtype(output.dtype) == policy.removeprefix("mixed_")
    in_float32 = 1e-6 if theirs.settings.batch_norm else 1e-12  # as Keras computes batch norms of float64
    expected, bound = theirs(x).detach(), {"float64": in_float32, "mixed_float16": 1e-2}.get(policy, 1e-1)
    assert (output.detach().permute(0, 3, 1, 2).double() - expected).norm() < bound * expected.norm()
    back = ours.to_torch().state_dict()
    dtype = getattr(torch, ours.variable_dtype)
    for tensor, value in theirs.state_dict().items():
        if "num_batches" not in tensor:
            torch.testing.assert_close(back[tensor], value.to(dtype), rtol=0, atol=0)


def test_large_activations_are_finite_in_float16(layer_type):
    ours = layer_type(16, k=64, h=1, m=5, dtype="mixed_float16")
    output = run(ours, 1e3 * images(), training=True)
    assert output.dtype == torch.float16
    assert output.isfinite().all()
    assert run(ours, images()).isfinite().all()


def test_new_weights_are_drawn_as_torchs(layer_type):
    ours = layer_type(256, k=16, h=4, u=2, m=15)
    ours.build((None, None, None, 256))
    for part, std in {"queries": 1 / 64, "keys": 1 / 16, "values": 1 / 16, "position": 450**-0.5}.items():
        assert getattr(ours, part).kernel.value.std().item() == pytest.approx(std, rel=0.1)


def test_fit_changes_every_weight(keras, layer_type):
    model = keras.Sequential([keras.Input((5, 6, 10)), layer_type(8, k=4, h=2, u=2, m=3, bias=True)])
    before = model.get_weights()
    model.compile(keras.optimizers.SGD(0.1), "mse")
    x = images(8).permute(0, 2, 3, 1).numpy()
    model.fit(x, np.ones((8, 5, 6, 8), "float32"), verbose=0)
    assert all((old != new).any() for old, new in zip(before, model.get_weights(), strict=True))


def test_what_cannot_be_computed_is_refused(layer_type):
    with pytest.raises(ArchitectureError, match=r"h=3: expected heads that divide the 16 channels .* such as h=2"):
        layer_type(h=3).build((None, 5, 6, 16))
    with pytest.raises(ArchitectureError, match="m=4: expected an odd scope"):
        layer_type(m=4)
    with pytest.raises(ArchitectureError, match="m=global: expected size"):
        layer_type(m="global")
    small = layer_type(16, m="global", size=4)
    with pytest.raises(ArchitectureError, match="5x6: expected a map of at most 4x4"):
        small.build((None, 5, 6, 16))
    small = layer_type(10, h=2, m="global", size=4)
    small.build((None, None, None, 10))
    with pytest.raises(ArchitectureError, match="5x6: expected a map of at most 4x4"):
        run(small, images())
    with pytest.raises(SetupError, match="without weights"):
        layer_type(16).to_torch()
    with pytest.raises(SetupError, match="Conv2d: expected a lambda_arch"):
        layer_type.from_torch(torch.nn.Conv2d(3, 3, 1))
    with pytest.raises(ValueError, match="expected ndim=4, found ndim=3"):
        layer_type(16)(torch.ones(1, 4, 16))
    with pytest.raises(ValueError, match="scope"):  # Keras names what no layer takes
        layer_type(16, scope=7)


def test_without_keras_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setattr("lambda_arch.lazy.find_spec", lambda name: None)
    monkeypatch.delitem(sys.modules, "lambda_arch.keras", raising=False)
    with pytest.raises(SetupError) as caught:
        importlib.import_module("lambda_arch.keras")
    assert str(caught.value) == "keras is not installed; expected `pip install 'lambda-arch[keras]'`"


@pytest.mark.slow
@pytest.mark.skipif(is_installed("tensorflow"), reason="the backend is installed")
def test_without_the_backend_one_line_says_so(keras):
    script = "try: import lambda_arch.keras\nexcept ValueError as error: print(error)"
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow"}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("tensorflow, the backend of Keras, is not installed; expected one that is, such as")
