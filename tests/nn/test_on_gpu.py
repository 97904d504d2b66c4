"""How prepared networks run on GPUs: with a stand-in for CUDA graphs here, and for real where there is a GPU."""

import copy

import pytest
import torch
from torch import nn

from lambda_arch.nn import build, prepare
from lambda_arch.nn.on_gpu import MOST_GRAPHS, OnGpu
from lambda_arch.nn.preparation import DEFAULT, Preparation, parse_preparation


class FakeGraphs:
    """Captures by remembering the function; counts captures and replays."""

    def __init__(self, error=None):
        self.captured, self.replayed, self.error = [], 0, error

    def __call__(self, function, x):
        self.captured.append(tuple(x.shape))
        if self.error:
            raise self.error

        def replay(images):
            self.replayed += 1
            return function(images)

        return replay


@pytest.fixture
def graphs():
    return FakeGraphs()


def on_gpu(capture, **settings):
    torch.manual_seed(0)
    return OnGpu(nn.Conv2d(3, 4, 3), Preparation(**settings), capture, kind="cpu").eval()


def test_names_are_read_as_they_are_written():
    for channels_last in (False, True):
        for graph in (False, True):
            for compiled in (False, True):
                preparation = Preparation(channels_last, graph, compiled)
                assert parse_preparation(str(preparation)) == preparation
    assert str(DEFAULT) == "channels_last/cuda_graph"
    assert str(Preparation(False, False)) == "plain"


@torch.no_grad()
def test_a_graph_is_captured_once_for_each_shape(graphs):
    network = on_gpu(graphs)
    for shape in ((2, 3, 8, 8), (1, 3, 8, 8), (2, 3, 8, 8)):
        x = torch.randn(shape)
        torch.testing.assert_close(network(x), network.network(x))
    assert graphs.captured == [(2, 3, 8, 8), (1, 3, 8, 8)]
    assert graphs.replayed == 3


@torch.no_grad()
def test_only_so_many_shapes_are_captured(graphs):
    network = on_gpu(graphs)
    for b in range(1, MOST_GRAPHS + 3):
        assert len(network(torch.randn(b, 3, 8, 8))) == b
    assert len(graphs.captured) == MOST_GRAPHS == graphs.replayed


def test_with_gradients_there_is_no_graph(graphs):
    x = torch.randn(1, 3, 8, 8, requires_grad=True)
    on_gpu(graphs)(x).sum().backward()
    assert x.grad is not None and graphs.captured == []


@torch.no_grad()
def test_without_graphs_none_is_captured(graphs):
    on_gpu(graphs, cuda_graph=False)(torch.randn(1, 3, 8, 8))
    assert graphs.captured == []


@torch.no_grad()
def test_what_is_captured_is_compiled(graphs, monkeypatch):
    class Compiled(nn.Module):
        def __init__(self, module):
            super().__init__()
            self.module, self.calls = module, 0

        def forward(self, x):
            self.calls += 1
            return self.module(x)

    monkeypatch.setattr(torch, "compile", Compiled)
    network = on_gpu(graphs, compile=True)
    network(torch.randn(1, 3, 8, 8))
    assert graphs.replayed == network.network.calls == 1
    assert isinstance(network.network, Compiled) and isinstance(network.network.module, nn.Conv2d)


@torch.no_grad()
def test_what_cannot_be_captured_runs_as_it_is_and_says_so_once(recwarn):
    failing = FakeGraphs(RuntimeError("operation not permitted\nwhen stream is capturing"))
    network = on_gpu(failing)
    x = torch.randn(1, 3, 8, 8)
    for _ in range(2):
        torch.testing.assert_close(network(x), network.network(x))
    assert len(failing.captured) == 1
    assert [str(w.message) for w in recwarn] == [
        "no CUDA graph for images (1, 3, 8, 8), run without one: operation not permitted when stream is capturing"
    ]


@torch.no_grad()
def test_casting_and_copying_forget_graphs_of_other_parameters(graphs):
    network = on_gpu(graphs)
    x = torch.randn(1, 3, 8, 8)
    network(x)
    copied = copy.deepcopy(network)
    copied.network.weight.zero_()
    assert not copied(x).equal(network(x))
    assert len(copied._capture.captured) == 2  # the copy's own stand-in, copied with it
    network.double()(x.double())
    network.float()(x)
    assert len(graphs.captured) == 3


@torch.no_grad()
@pytest.mark.parametrize("channels_last", [False, True])
def test_images_and_weights_have_the_memory_format(channels_last, graphs):
    network = on_gpu(graphs, channels_last=channels_last, cuda_graph=False)
    y = network(torch.randn(2, 3, 8, 8))
    assert y.is_contiguous(memory_format=torch.channels_last) == channels_last
    assert network.network.weight.is_contiguous(memory_format=torch.channels_last) == channels_last


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("preparation", ["plain", "channels_last", "channels_last/cuda_graph", "cuda_graph"])
def test_cuda_gives_the_same_logits(preparation):
    torch.manual_seed(0)
    network = build("lambda_resnet18:k=4,m=5,classes=3@32").eval()
    x = torch.randn(3, 3, 32, 32)
    with torch.no_grad():
        expected = network(x)
        prepared = prepare(network.cuda(), 3, preparation=preparation)
        for images in (x, x[:2], x.flip(0), x):  # replays with other images too
            found = prepared(images.cuda()).cpu()
            torch.testing.assert_close(found, network.cpu()(images), rtol=1e-2, atol=1e-3)
        assert expected.shape == found.shape
