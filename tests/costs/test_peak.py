"""The closed form of peak memory, against the tensors that live while the real network runs."""

from typing import Any

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given, settings
from torch.utils._python_dispatch import TorchDispatchMode

from lambda_arch.arch import Architecture, configure, parse, read_settings
from lambda_arch.costs.peak import peak_memory
from lambda_arch.nn import build

OVERWRITES = ("relu", "add", "mul", "sigmoid", "_softmax", "native_batch_norm", "_native_batch_norm_legit_no_training")
OVERWRITES += ("cudnn_batch_norm", "_batch_norm_with_update", "batch_norm", "div")
COPIES = ("clone", "contiguous", "copy", "_to_copy", "expand", "index")


class Trace(TorchDispatchMode):
    """Records every operation as the buffers that it reads and makes; a copy and an overwrite are the same buffer."""

    def __init__(self, weights: list[torch.Tensor]) -> None:
        super().__init__()
        self.keep: list[Any] = []
        self.buffer: dict[int, int] = {}
        self.elements: dict[int, int] = {}
        self.ops: list[tuple[list[int], list[int]]] = []
        self.weights = {weight.untyped_storage()._cdata for weight in weights}

    def _key(self, tensor: torch.Tensor) -> int:
        self.keep.append(tensor)  # so that no storage's address is used twice
        return tensor.untyped_storage()._cdata

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        name = func._overloadpacket.__name__.rstrip("_")
        read = [tensor for tensor in _tensors(args) if self._key(tensor) not in self.weights]
        reads = [self.buffer[self._key(tensor)] for tensor in read if self._key(tensor) in self.buffer]
        made = []
        for tensor in _tensors([result])[:1]:  # batch norm returns empty statistics too
            key = self._key(tensor)
            if key in self.buffer or key in self.weights or not tensor.is_floating_point():
                continue
            if (name in OVERWRITES or name in COPIES) and reads:
                self.buffer[key] = reads[0]
            else:
                self.buffer[key] = len(self.elements)
                self.elements[self.buffer[key]] = tensor.numel()
                made.append(self.buffer[key])
        self.ops.append((reads, made))
        return result

    def peak(self) -> int:
        last = {buffer: i for i, (reads, made) in enumerate(self.ops) for buffer in (*reads, *made)}
        alive: set[int] = set()
        peak = 0
        for i, (reads, made) in enumerate(self.ops):
            alive |= {*reads, *made}
            peak = max(peak, sum(self.elements[buffer] for buffer in alive))
            alive = {buffer for buffer in alive if last[buffer] > i}
        return peak


def _tensors(values: Any) -> list[torch.Tensor]:
    found: list[torch.Tensor] = []
    for value in values:
        if isinstance(value, torch.Tensor):
            found.append(value)
        elif isinstance(value, (list, tuple)):
            found += _tensors(value)
    return found


def measured(name: Architecture | str) -> int:
    network = build(name, device="meta").eval()
    weights = [*network.parameters(), *network.buffers()]
    trace = Trace(weights)
    image = torch.zeros(1, 3, network.architecture.image_size, network.architecture.image_size, device="meta")
    trace.buffer[trace._key(image)] = 0
    trace.elements[0] = image.numel()
    with torch.no_grad(), trace:
        network(image)
    return 4 * trace.peak()


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "resnet50",
        "resnet18:stem=rs@33",
        "resnet26:stem=deep,se=0.25,classes=7000@65",
        "lambda_resnet50:stages=CCLL",
        "lambda_resnet26:content=no",
        "lambda_resnet26:position=no,k=64@100",
        "lambda_resnet26:u=8,k=32,m=3,h=1",
        "lambda_resnet26:m=global,k=2@64",
        "lambda_resnet50:stages=CCCL,c5.m=global,c5.k=32",
        "lambda_resnet18:h=16,se=1.0@32",
        "lambda_resnet26:stem=tiered,pool=2x2,m=5@97",
        "resnet26:stem=tiered,activation=silu@256",
    ],
)
def test_the_closed_form_is_what_lives_while_the_network_runs(name: str) -> None:
    assert peak_memory(parse(name)) == measured(name)


def test_memory_is_per_image() -> None:
    one = peak_memory(parse("lambda_resnet50"))
    assert peak_memory(parse("lambda_resnet50"), batch_size=8) == 8 * one


@pytest.mark.slow
@settings(max_examples=8)
@given(
    k=st.integers(1, 40),
    h=st.sampled_from([1, 2, 4, 8, 16]),
    u=st.integers(1, 5),
    stages=st.text("CL", min_size=4, max_size=4),
    se=st.sampled_from([0.0, 0.25]),
    size=st.integers(32, 80),
    stem=st.sampled_from(["7x7", "deep", "rs", "tiered"]),
)
def test_the_closed_form_holds_for_any_network(
    k: int, h: int, u: int, stages: str, se: float, size: int, stem: str
) -> None:
    options = f"stages={stages},k={k},h={h},u={u},m=5,stem={stem},se={se}"
    architecture = configure(parse("lambda_resnet18"), read_settings(options), size)
    assert peak_memory(architecture) == measured(architecture)
