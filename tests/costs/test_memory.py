"""Memory by the paper's formulas, and what torch saves for backward."""

import pytest
import torch
from torch import nn

from lambda_arch.arch import ArchitectureError, parse
from lambda_arch.costs import map_bytes, saved_bytes, stage_saved_bytes
from lambda_arch.nn import build

N = 56 * 56


@pytest.mark.parametrize(
    ("name", "elements"),
    [
        ("resnet50:stages=GGGG", 128 * 3 * 8 * N * N),
        ("resnet50:stages=GGGG,heads=4", 128 * 3 * 4 * N * N),
        ("resnet50:stages=XXXX", 2 * 128 * 3 * 8 * N * 56),
        ("resnet50:stages=SSSS", 128 * 3 * 8 * N * 49),
        ("resnet50:stages=AAAA", 128 * 3 * 8 * N * N),
        ("resnet50:stages=AAAA,downsample=yes", 128 * 3 * 8 * N * N // 16),
        ("lambda_resnet50:m=global", 3 * 16 * N * N),
        ("lambda_resnet50:m=global,k=8", 3 * 8 * N * N),
        ("lambda_resnet50:m=global,shared_embeddings=yes", 16 * N * N),
        ("lambda_resnet50:m=7", 3 * 16 * N * 49),
        ("lambda_resnet50:position=no", 0),
        ("resnet50", 0),
        ("resnet50:stages=DDDD", 0),
    ],
)
def test_the_formulas_in_c2(name, elements):
    assert map_bytes(parse(name), stages=("c2",)) == 4 * elements


@pytest.mark.parametrize(
    ("name", "printed"),
    [
        ("resnet50:stages=GGGG", 120),
        ("resnet50:stages=XXXX", 4.8),
        ("lambda_resnet50:m=global", 1.9),
        ("lambda_resnet50:m=global,k=8", 0.95),
        ("lambda_resnet50:m=global,shared_embeddings=yes", 0.63),
    ],
)
def test_the_papers_five_figures_in_all_stages(name, printed):
    ours = map_bytes(parse(name)) / 2**30
    assert float(f"{ours:.2g}") == printed or (name.endswith("k=8") and int(ours * 100) / 100 == printed)


def test_only_attention_grows_with_the_batch():
    g, x, lam = (parse(name) for name in ("resnet50:stages=GGGG", "resnet50:stages=XXXX", "lambda_resnet50"))
    assert map_bytes(g, 256) == 2 * map_bytes(g, 128)
    assert map_bytes(x, 256) == 2 * map_bytes(x, 128)
    assert map_bytes(lam, 256) == map_bytes(lam, 128)


def test_saved_bytes_of_what_is_known():
    x = torch.randn(2, 8, 5, 5)
    maps = 4 * x.numel()
    assert saved_bytes(nn.Conv2d(8, 4, 1), x) == maps  # its input, for the weights' gradient; the weights apart
    assert saved_bytes(nn.ReLU(), x.clone().requires_grad_()) == maps  # its output
    assert saved_bytes(nn.Sequential(nn.Conv2d(8, 8, 1), nn.ReLU(), nn.Conv2d(8, 8, 1)), x) == 2 * maps  # shared
    with torch.no_grad():
        assert saved_bytes(nn.Softmax(1), x) == 0  # nothing here needs a gradient


def test_saved_bytes_leave_the_module_as_it_was():
    module = nn.Conv2d(3, 3, 1)
    saved_bytes(module, torch.randn(1, 3, 4, 4))
    assert module.weight.grad is None


@pytest.mark.slow
@pytest.mark.parametrize("pattern", ["GGGG", "XXXX", "SSSS", "LLLL", "DDDD"])
def test_meta_device_saves_what_the_cpu_saves(pattern):
    name = f"resnet18:stages={pattern}@48"
    network = build(name).train()
    with torch.no_grad():
        x = network.stem(torch.randn(2, 3, 48, 48))
    assert stage_saved_bytes(parse(name), "c2", batch_size=2) == pytest.approx(saved_bytes(network.c2, x), rel=1e-3)


def test_global_attention_really_keeps_its_maps():
    """One n x n map a head, image and layer at least: at 224x224, nearly all that c2 keeps."""
    architecture = parse("resnet50:stages=GGGG")
    maps = map_bytes(architecture, batch_size=2, stages=("c2",))
    saved = stage_saved_bytes(architecture, "c2", batch_size=2)
    assert maps < saved < 1.2 * maps


def test_bad_input():
    with pytest.raises(ArchitectureError, match="c6: expected a stage"):
        stage_saved_bytes(parse("resnet50"), "c6")
    with pytest.raises(ArchitectureError, match="batch_size=0"):
        stage_saved_bytes(parse("resnet50"), batch_size=0)
