"""What is timed: a forward pass or a training step, eager, compiled or as a CUDA graph. Imports torch."""

import gc
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from lambda_arch.nn.on_gpu import WARMUP, capture_graph

Call = Callable[[], torch.Tensor]
MODES = ("eager", "graph", "compiled", "compiled graph")


def inference_call(network: nn.Module, images: torch.Tensor, mode: str, pool: Any) -> Call:
    """Return a forward pass without gradients; a graph is captured now, into ``pool``."""
    own = _compiled(network, mode)

    def forward(x: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            return own(x)  # type: ignore[no-any-return]

    if mode.endswith("graph") and images.is_cuda:
        replay = capture_graph(forward, images, pool)
        return lambda: replay(images)  # type: ignore[return-value]
    return lambda: forward(images)


def training_call(network: nn.Module, images: torch.Tensor, mode: str, pool: Any, dtype: torch.dtype) -> Call:
    """Return a whole training step under autocast: forward and backward pass, and SGD; it returns the loss."""
    own = _compiled(network, mode)
    optimizer = torch.optim.SGD(network.parameters(), lr=1e-4, momentum=0.9, weight_decay=1e-4)
    low = dtype in (torch.bfloat16, torch.float16)

    def step() -> torch.Tensor:
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(images.device.type, dtype, enabled=low):
            outputs = own(images)
        loss = outputs.float().square().mean()
        loss.backward()
        optimizer.step()
        return loss.detach()  # type: ignore[no-any-return]

    return _captured(step, images.device, pool) if mode.endswith("graph") and images.is_cuda else step


def _captured(step: Call, device: torch.device, pool: Any) -> Call:
    side = torch.cuda.Stream(device)
    side.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(side):
        for _ in range(WARMUP):
            step()
    torch.cuda.current_stream(device).wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, pool=pool):
        loss = step()

    def replay() -> torch.Tensor:
        graph.replay()
        return loss

    return replay


def _compiled(network: nn.Module, mode: str) -> nn.Module:
    if not mode.startswith("compiled"):
        return network
    on_gpu = next(network.parameters()).is_cuda
    # a dry run only traces, since generating code takes minutes
    compiled: nn.Module = torch.compile(network, backend="inductor" if on_gpu else "eager", dynamic=False)
    return compiled


def shared_pool(device: str) -> Any:
    """Return memory that graphs share: they run one after the other, and what they return is read before the next."""
    return torch.cuda.graph_pool_handle() if device.startswith("cuda") else None


def free(device: str) -> None:
    """Give back the memory of what is no longer referred to."""
    if device.startswith("cuda"):
        gc.collect()
        torch.cuda.synchronize()
        torch.cuda.empty_cache()


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether memory ran out, also where a library says so."""
    return isinstance(error, torch.OutOfMemoryError) or "out of memory" in str(error).lower() \
        or "ALLOC_FAILED" in str(error)  # fmt: skip


def one_line(error: BaseException) -> str:
    """Return an error as one short line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
