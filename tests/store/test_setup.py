import dataclasses
import importlib.metadata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_arch.arch import parse
from lambda_arch.errors import SetupError
from lambda_arch.store import Case, Setup
from lambda_arch.store.measurements import step_flops

setups = st.builds(
    Setup,
    device=st.sampled_from(["cpu", "cuda:1", "mps"]),
    batch_size=st.integers(1, 512),
    dtype=st.sampled_from(["fp32", "bf16"]),
    cast=st.sampled_from(["autocast", "cast"]),
    memory_format=st.sampled_from(["contiguous", "channels_last"]),
    mode=st.sampled_from(["inference", "train"]),
    compile=st.booleans(),
    threads=st.integers(1, 8),
    evaluation=st.sampled_from(["canonical", "auto", "matrix/sum"]),
)


@given(setups, setups)
def test_cases_have_the_same_key_only_when_they_are_the_same(a, b):
    network = parse("resnet50@64")
    keys = Case(network, a).key("f"), Case(network, b).key("f")
    assert (keys[0] == keys[1]) == (a == b)


def test_key_tells_architectures_sizes_and_machines_apart():
    setup = Setup(threads=1)
    cases = [Case(parse(name), setup) for name in ("resnet50", "resnet50@64", "lambda_resnet50")]
    keys = {case.key(machine) for case in cases for machine in ("a", "b")}
    assert len(keys) == 6


def test_cast_of_fp32_means_nothing_and_cuda_is_its_first_device():
    assert Setup(cast="cast", threads=1) == Setup(threads=1)
    assert Setup("CUDA", dtype="tf32").device == "cuda:0"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"dtype": "fp31"}, "did you mean fp32"),
        ({"device": "gpu"}, "expected cpu, cuda"),
        ({"device": "cuda:x"}, "device=cuda:x"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"threads": -1}, "threads=-1"),
        ({"dtype": "tf32"}, "no TF32"),
        ({"cuda_graph": True}, "no CUDA graphs"),
        ({"mode": "training"}, "did you mean train"),
        ({"dtype": "fp16", "cast": "cast", "mode": "train"}, "do not train"),
        ({"clock": "cpu", "threads": 2}, "threads=1"),
        ({"clock": "cpu", "device": "cuda", "threads": 1}, "device=cpu"),
        ({"evaluation": "matrx"}, "did you mean matrix"),
        ({"evaluation": "prepard"}, "did you mean prepared"),
        ({"evaluation": "prepared", "mode": "train"}, "expected evaluation=auto"),
        ({"runtime": "openvno"}, "did you mean openvino"),
        ({"runtime": "openvino", "mode": "train"}, "mode=train, runtime=openvino: is for inference alone"),
        ({"runtime": "onnxruntime", "compile": True}, "compile=True, runtime=onnxruntime: expected runtime=torch"),
        ({"runtime": "openvino", "memory_format": "channels_last"}, "expected runtime=torch with it"),
        ({"runtime": "onnxruntime", "dtype": "bf16"}, "expected fp32, or cast=cast"),
        ({"runtime": "openvino", "device": "cuda"}, "device=cuda:0, runtime=openvino: expected device=cpu"),
        ({"runtime": "tensorrt"}, "device=cpu, runtime=tensorrt: expected device=cuda"),
    ],
)
def test_setups_that_cannot_be_are_refused_by_name(settings, words):
    with pytest.raises(SetupError, match=words):
        Setup(**settings)


@pytest.mark.parametrize(
    ("runtime", "wanted"), [("onnxruntime", "'lambda-arch[onnx]'"), ("openvino", "'lambda-arch[openvino]'")]
)
def test_a_runtime_that_is_not_installed_names_its_extra(monkeypatch, runtime, wanted):
    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)
    with pytest.raises(SetupError) as raised:
        Setup(runtime=runtime)
    assert str(raised.value) == f"runtime={runtime}: is not installed; expected `pip install {wanted}`"
    known = Setup(runtime=runtime, runtime_version="1.0")  # as a store of another machine has it
    assert known.runtime_version == "1.0"


def test_an_upgraded_runtime_is_another_case_and_torch_has_the_keys_of_older_versions():
    network = parse("resnet50@64")
    keys = {Case(network, Setup(threads=1, runtime="openvino", runtime_version=v)).key("f") for v in ("1", "2")}
    assert len(keys) == 2
    assert not {"runtime", "runtime_version"} & Setup(threads=1).identity.keys()
    assert str(Setup(threads=1, runtime="openvino", runtime_version="2")) == (
        "cpu, batch 1, fp32, inference, openvino 2, 1 thread"
    )


def test_every_setting_is_seen_in_the_key():
    base = Setup("cuda:0", threads=2)
    other = {"device": "cuda:1", "batch_size": 2, "dtype": "bf16", "memory_format": "channels_last", "mode": "train"}
    other |= {"compile": True, "cuda_graph": True, "threads": 3, "evaluation": "auto", "runtime": "aotinductor"}
    network = parse("resnet50@64")
    for name, value in other.items():
        changed = dataclasses.replace(base, **{name: value})
        assert Case(network, changed).key("f") != Case(network, base).key("f"), name


def test_a_setup_comes_back_from_its_columns():
    setup = Setup("cuda:0", batch_size=3, compile=True, evaluation="auto")
    assert setup.columns["batch"] == 3
    assert Setup.from_columns({**setup.columns, "compile": 1, "graph": 0, "more": None}) == setup
    other = Setup(runtime="openvino", runtime_version="1")
    assert Setup.from_columns(other.columns) == other


def test_an_evaluation_is_one_setting_however_it_is_spelt():
    assert Setup(evaluation="matrix", threads=1) == Setup(evaluation="matrix/accumulate", threads=1)
    assert "matrix/accumulate" in str(Setup(evaluation="matrix", threads=1))


def test_training_counts_the_backward_pass_without_the_gradient_of_the_images():
    network = parse("resnet50")
    macs = 4_089_184_256  # fvcore and torch agree on it
    assert step_flops(network, Setup(batch_size=2, threads=1)) == 2 * 2 * macs
    assert step_flops(network, Setup(batch_size=2, mode="train", threads=1)) == 2 * 2 * (3 * macs - 118_013_952)
