"""Written files: loaded again they give torch's outputs for any batch; nothing is written when something fails."""

import pytest
import torch
from torch import nn

from lambda_arch import ArchitectureError, DataError, SetupError, build, export
from lambda_arch.arch.evaluation import ORDERS, Evaluation, candidates
from lambda_arch.files import atomic_files
from lambda_arch.interop import exporting, onnx_files
from lambda_arch.interop.agreement import agreement, randomize_norms
from lambda_arch.interop.onnx_files import run_onnx, write_onnx
from lambda_arch.interop.program_files import run_program, write_program
from lambda_arch.nn import LambdaLayer, prepare, to_safetensors

TINY = "lambda_mobilenet:layers=CCLCCCL-----C-,k=4,h=2,m=3,classes=10@32"
RESNET = "lambda_resnet18:stages=GX-SA-DL-LC,c4.m=global,c4.u=2,c5.m=3,c2.se=0.25,stem=rs,classes=10@32"  # every layer


class EveryEvaluation(nn.Module):
    """Lambda layers with the same weights, each in an evaluation of its own: to (b, layers, c, H, W)."""

    def __init__(self, evaluations, **settings):
        super().__init__()
        first = LambdaLayer(8, k=4, h=2, size=(6, 5), **settings)
        randomize_norms(first)
        self.layers = nn.ModuleList()
        for evaluation in evaluations:
            layer = LambdaLayer(8, k=4, h=2, size=(6, 5), **settings)
            layer.load_state_dict(first.state_dict())
            layer.set_evaluation(evaluation)
            self.layers.append(layer)
        self.layers.append(prepare(first))

    def forward(self, x):
        return torch.stack([layer(x) for layer in self.layers], 1)


EVALUATIONS = [each for each in candidates() if each.order == "convolution" or each.apply == "product"]


@pytest.mark.slow
@pytest.mark.parametrize(("suffix", "m", "u", "bias"), [(".pt2", 3, 2, True), (".onnx", "global", 1, False)])
def test_every_evaluation_that_can_be_exported_agrees_for_any_batch(tmp_path, suffix, m, u, bias):
    evaluations = [each for each in EVALUATIONS if (suffix, each.order) not in exporting.REFUSED]
    layers = EveryEvaluation([*evaluations, Evaluation("matrix", recompute=True)], m=m, u=u, bias=bias).eval()
    path = tmp_path / f"layers{suffix}"
    write, load = (write_onnx, run_onnx) if suffix == ".onnx" else (write_program, run_program)
    write(layers, torch.randn(2, 8, 6, 5), path)
    run = load(path)
    for batch_size in (1, 2, 5):
        x = torch.randn(batch_size, 8, 6, 5)
        with torch.no_grad():
            ours, theirs = layers(x), run(x)
        assert ours.abs().max() > 0.1
        torch.testing.assert_close(theirs, ours, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(theirs, theirs[:, :1].expand_as(theirs), rtol=1e-4, atol=1e-5)  # all are one layer


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        (RESNET, ".onnx"),
        (TINY, ".onnx"),
        ("efficientnet_b0:classes=10@32", ".pt2"),
    ],
)
def test_every_family_is_exported(tmp_path, name, suffix):
    found = export(name, tmp_path / f"net{suffix}")
    assert [each.batch_size for each in found.agreements] == [1, 3]
    assert 0 <= max(each.error for each in found.agreements) < 1e-4
    assert [path.name for path in tmp_path.iterdir()] == [f"net{suffix}"]
    assert found.bytes == found.path.stat().st_size


@pytest.mark.slow
def test_the_file_is_the_network_of_the_weights(tmp_path, run_cli):
    torch.manual_seed(1)
    network = build(TINY).eval()
    randomize_norms(network)
    weights = tmp_path / "w.safetensors"
    weights.write_bytes(to_safetensors(network))
    to = tmp_path / "net.pt2"
    done = run_cli("export", "--weights", weights, "--to", to, "--evaluation", "prepared", "--format", "table")
    assert (done.code, done.err) == (0, "")
    assert "largest error" in done.out
    assert f"{network.architecture}, prepared evaluation" in " ".join(done.out.split())
    assert agreement(network, run_program(to), 4, 32).error < 1e-5


@pytest.fixture
def pretended(monkeypatch):
    """Replace the writing of programs: the file is empty, and what runs it is the network plus ``noise``."""
    settings = {"noise": 0.0}

    def write(network, images, path):
        path.write_text("new")
        return "a format", lambda x: network(x) + settings["noise"]

    monkeypatch.setattr(exporting, "_program", write)
    return settings


def test_weights_fit_another_size_of_image_but_no_other_network(tmp_path, pretended):
    weights = tmp_path / "w.safetensors"
    weights.write_bytes(to_safetensors(build(TINY)))
    larger = TINY.replace("@32", "@48")  # local scope
    assert export(larger, tmp_path / "net.pt2", weights=weights).architecture.image_size == 48
    with pytest.raises(DataError, match=r"holds .*expected lambda_resnet18"):
        export("lambda_resnet18@32", tmp_path / "other.pt2", weights=weights)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net.pt2", "w.safetensors"]


def test_nothing_is_written_when_the_outputs_differ(tmp_path, pretended):
    path = tmp_path / "net.pt2"
    path.write_text("mine")
    pretended["noise"] = 1.0
    with pytest.raises(DataError, match=r"differ from torch's by .* at batch 1; expected at most 0.0001; nothing"):
        export(TINY, path)
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("net.pt2", "mine")]
    pretended["noise"] = 0.0
    export(TINY, path)
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("net.pt2", "new")]


@pytest.mark.slow
def test_tensors_too_large_for_the_file_lie_beside_it(tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_files, "LARGEST", 100)
    network = nn.Conv2d(3, 40, 3)
    with atomic_files(tmp_path / "net.onnx") as temporary:
        write_onnx(network, torch.randn(2, 3, 8, 8), temporary)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net.onnx", "net.onnx.data"]
    assert agreement(network, run_onnx(tmp_path / "net.onnx"), 2, 8).error < 1e-5


def test_an_output_that_is_not_finite_or_of_another_shape_does_not_agree():
    assert agreement(lambda x: x.sum((1, 2, 3)), lambda x: x.sum((1, 2, 3)) / 0, 1, 2).error == float("inf")
    assert agreement(lambda x: x, lambda x: x[:, :1], 1, 2).error == float("inf")
    assert agreement(lambda x: x, lambda x: 1.5 * x, 1, 2).error == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ({"to": "net.txt"}, DataError, r"to=net.txt: expected a file that ends in .onnx or .pt2"),
        ({"to": "missing/net.pt2"}, FileNotFoundError, "missing/net.pt2"),
        ({"evaluation": "fft", "to": "net.onnx"}, SetupError, "evaluation=fft: fft/accumulate, which ONNX has no"),
        ({"evaluation": "fused"}, SetupError, "evaluation=fused: fused, a Triton kernel.*expected convolution"),
        ({"evaluation": "matrx"}, SetupError, "did you mean matrix"),
        ({"batch_size": 0}, SetupError, "batch_size=0"),
        ({"architecture": "lambda_resnet51"}, ArchitectureError, "did you mean"),
        ({"architecture": None}, DataError, "weights=None: expected an architecture"),
    ],
)  # fmt: skip
def test_refused_with_a_reason_and_without_a_file(tmp_path, monkeypatch, arguments, error, match):
    monkeypatch.chdir(tmp_path)
    given = {"architecture": TINY, "to": "net.pt2", **arguments}
    with pytest.raises(error, match=match):
        export(given.pop("architecture"), given.pop("to"), **given)
    assert list(tmp_path.iterdir()) == []


def test_every_order_is_exported_or_refused_by_name():
    refused = {order for _, order in exporting.REFUSED}
    assert refused | {each.order for each in candidates()} == set(ORDERS)


def test_a_missing_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("lambda_arch.lazy.find_spec", lambda name: None if name == "onnxruntime" else True)
    with pytest.raises(SetupError, match=r"^onnxruntime is not installed; expected `pip .*lambda-arch\[onnx\]'`$"):
        export(TINY, tmp_path / "net.onnx")


def test_one_architecture_is_exported(run_cli, tmp_path):
    refused = run_cli("export", TINY, "resnet18", "--to", tmp_path / "net.pt2")
    assert (refused.code, refused.out) == (2, "")
    assert "resnet18: expected one architecture to export" in refused.err
