"""Hostile checkpoints and weights: each is refused in one line, before anything is allocated for what it declares."""

import json
import os
import zipfile

import pytest
import torch

from lambda_arch.errors import DataError, LambdaArchError
from lambda_arch.nn import convert, load, tensor_files
from tests.command_line import run
from tests.nn import foreign

NAME = "layer1.0.conv2.conv_qkv.weight"
"""A name that only d-li14's checkpoints have."""


def state():
    return foreign.d_li14(k=2, m=3).state_dict()


def save(tmp_path, **changes):
    path = tmp_path / "checkpoint.pth"
    torch.save({**state(), **{name.replace("__", "."): value for name, value in changes.items()}}, path)
    return path


ODD = {
    "a sparse tensor": lambda: torch.zeros(3, 3).to_sparse(),
    "a sparse matrix by rows": lambda: torch.zeros(3, 3).to_sparse_csr(),
    "a tensor without values": lambda: torch.zeros(10, 512, device="meta"),
    "a tensor of 8-bit floats": lambda: torch.zeros(10, 512).to(torch.float8_e4m3fn),
    "a tensor of 4-bit floats": lambda: torch.zeros(10, 512, dtype=torch.uint8).view(torch.float4_e2m1fn_x2),
    "a tensor of complex numbers": lambda: torch.zeros(10, 512, dtype=torch.complex64),
    "a quantised tensor": lambda: torch.quantize_per_tensor(torch.zeros(10, 512), 1.0, 0, torch.qint8),
    "an empty tensor": lambda: torch.zeros(0, 512),
    "10^7 classes without storage": lambda: torch.zeros(1, 1).expand(10**7, 512),
    "10^15 classes without storage": lambda: torch.zeros(1, 1).expand(10**15, 512),
}


EVERY_DTYPE = sorted({each for each in vars(torch).values() if isinstance(each, torch.dtype)}, key=str)


@pytest.mark.parametrize("dtype", EVERY_DTYPE, ids=str)
@pytest.mark.filterwarnings("ignore")
def test_only_plain_floats_and_integers_are_tensors_of_a_network(tmp_path, dtype):
    if dtype in tensor_files.FLOATS | tensor_files.INTEGERS:
        tensor_files.check_tensors(tmp_path, {"a": torch.zeros(4).to(dtype)})
        return
    quantised = {torch.qint8, torch.quint8, torch.qint32, torch.quint4x2, torch.quint2x4}
    tensor = torch.zeros(4, dtype=torch.uint8)
    tensor = torch._empty_affine_quantized([4], scale=1.0, zero_point=0, dtype=dtype) if dtype in quantised else tensor
    tensor = tensor if dtype in quantised else torch.zeros(4, 16, dtype=torch.uint8).view(dtype)
    with pytest.raises(DataError, match=r"a is .*; expected a dense tensor of floats or integers"):
        tensor_files.check_tensors(tmp_path, {"a": tensor})


def with_tensor_of(path, dtype):
    """Write a safetensors file by hand whose only tensor is of ``dtype``, as the format calls it."""
    head = json.dumps({NAME: {"dtype": dtype, "shape": [4, 4], "data_offsets": [0, 16]}}).encode()
    path.write_bytes(len(head).to_bytes(8, "little") + head + bytes(16))
    return path


@pytest.mark.parametrize("dtype", ["F4", "F6_E2M3", "F6_E3M2", "F8_E4M3", "F8_E5M2", "F8_E8M0", "U16", "C64", "X9"])
def test_safetensors_of_other_dtypes_are_refused_in_a_line(tmp_path, dtype):
    path = with_tensor_of(tmp_path / "a.safetensors", dtype)
    code, out, err = run("convert", path, "--from", "d-li14", "--to", tmp_path / "b.safetensors")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert f"lambda-arch: {path}: " in err
    assert not (tmp_path / "b.safetensors").exists()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ODD)
@pytest.mark.filterwarnings("ignore")
def test_a_tensor_that_no_network_has_is_refused_by_name(tmp_path, kind):
    with pytest.raises(DataError, match=r"fc\.weight is .*expected a dense tensor") as caught:
        convert(save(tmp_path, fc__weight=ODD[kind]()), "d-li14")
    assert "\n" not in str(caught.value)


def test_a_network_that_does_not_fit_into_memory_is_not_built(tmp_path, monkeypatch):
    """Its classes are in the file, but of one channel each: all of it would be 2048 times that."""
    path = save(tmp_path, fc__weight=torch.zeros(10**6, 1, dtype=torch.uint8))
    monkeypatch.setattr("psutil.virtual_memory", lambda: type("Memory", (), {"available": 10**9}))
    with pytest.raises(DataError, match="GB of memory"):
        convert(path, "d-li14")


def test_a_large_sparse_file_is_refused_for_its_size(tmp_path):
    for name in ("sparse.pth", "sparse.safetensors"):
        path = tmp_path / name
        with path.open("wb") as file:
            file.truncate(1 << 43)
        for read in (lambda path: convert(path, "d-li14"), load):
            with pytest.raises(DataError, match="GB of memory"):
                read(path)


def test_what_unpacks_to_more_than_there_is_memory_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "bomb.pth"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data/0", bytes(10**7))
    assert path.stat().st_size < 10**5
    monkeypatch.setattr("psutil.virtual_memory", lambda: type("Memory", (), {"available": 10**6}))
    with pytest.raises(DataError, match="GB of memory"):
        convert(path, "d-li14")


@pytest.mark.slow
@pytest.mark.parametrize("version", ["2.4.0", "2.5.1+cu121", "2.6.0", "2.9.1"])
def test_an_older_torch_reads_no_pickles_but_safetensors(tmp_path, monkeypatch, version):
    from safetensors.torch import save_file

    path = save(tmp_path)
    save_file(state(), tmp_path / "checkpoint.safetensors")
    monkeypatch.setattr(torch, "__version__", version)
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("it was loaded"))
    with pytest.raises(DataError, match=r"CVE-2025-32434.*CVE-2026-24747.*safetensors") as caught:
        convert(path, "d-li14")
    assert f"torch {version}" in str(caught.value)
    assert not convert(tmp_path / "checkpoint.safetensors", "d-li14").leftovers


@pytest.mark.parametrize("name", ["pipe.pth", "pipe.safetensors"])
def test_a_named_pipe_is_refused_at_once(tmp_path, name):
    os.mkfifo(tmp_path / name)
    with pytest.raises(OSError, match="no regular file"):
        convert(tmp_path / name, "d-li14")
    with pytest.raises(OSError, match="no regular file"):
        load(tmp_path / name)


@pytest.mark.parametrize(
    "metadata",
    [
        {"lambda_layer": json.dumps({"dim": 8, "h": 0})},
        {"lambda_layer": json.dumps({"dim": 8, "k": -1})},
        {"lambda_layer": json.dumps({"dim": 8, "k": 0})},
        {"lambda_layer": json.dumps({"dim": 8, "m": 10**9 + 1})},
        {"lambda_layer": json.dumps({"dim": 10**30})},
        {"lambda_layer": json.dumps({"dim": 1.5})},
        {"lambda_layer": json.dumps({"dim": "8"})},
        {"lambda_layer": json.dumps({"dim": 8, "m": "global", "size": 100_001})},
        {"lambda_layer": "[" * 100_000},
        {"lambda_layer": "7"},
        {"lambda_layer": ""},
        {"architecture": "lambda_resnet50:k=" + "9" * 5000},
        {"architecture": "lambda_resnet50:classes=999999999999"},
        {"architecture": "lambda_resnet50:m=100001"},
        {"architecture": "\x1b]0;title\x07"},
        {},
    ],
    ids=lambda metadata: ascii(metadata)[:60],
)
def test_metadata_that_say_no_network_of_these_tensors_are_refused(tmp_path, metadata):
    from safetensors.torch import save_file

    path = tmp_path / "weights.safetensors"
    save_file({"a": torch.zeros(1)}, path, metadata)
    with pytest.raises(LambdaArchError) as caught:
        load(path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value).removeprefix(str(path))) < 400


def test_tensors_are_looked_at_one_by_one(tmp_path):
    tensor_files.check_tensors(tmp_path, {"a": torch.zeros(2, 2).t(), "b": torch.zeros(4)[1:], "c": torch.tensor(1)})
