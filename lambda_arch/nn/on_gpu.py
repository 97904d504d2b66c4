"""A network for inference on a GPU: in a memory format, compiled, and as CUDA graphs."""

import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from lambda_arch.nn.outputs import Output, on_each
from lambda_arch.nn.preparation import Preparation

MOST_GRAPHS = 4  # shapes of images that are captured; each graph keeps its own memory
WARMUP = 3  # runs before a capture, in which libraries choose their kernels

Replay = Callable[[Tensor], Output]
Capture = Callable[[Replay, Tensor], Replay]


def capture_graph(function: Replay, x: Tensor, pool: Any = None) -> Replay:
    """Return ``function`` as a CUDA graph, captured for inputs like ``x``; raises what torch raises.

    ``pool``: memory that graphs share which never run at the same time (``torch.cuda.graph_pool_handle``).
    """
    held = x.clone()
    side = torch.cuda.Stream(x.device)  # type: ignore[no-untyped-call]
    side.wait_stream(torch.cuda.current_stream(x.device))
    with torch.cuda.stream(side):
        for _ in range(WARMUP):
            function(held)
    torch.cuda.current_stream(x.device).wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, pool=pool):
        output = function(held)

    def replay(images: Tensor) -> Output:
        held.copy_(images)
        graph.replay()
        return on_each(torch.clone, output)  # the graph writes to the same memory next time

    return replay


class OnGpu(nn.Module):
    """A network that runs by ``preparation``; only for inference.

    A graph is captured for each of the first MOST_GRAPHS shapes and dtypes of images. Other shapes, networks that can't
    be captured (a warning says why), and calls with gradients run as they are. ``capture`` and ``kind``: how, and on
    which kind of device.
    """

    def __init__(
        self, network: nn.Module, preparation: Preparation, capture: Capture = capture_graph, kind: str = "cuda"
    ) -> None:
        super().__init__()
        self.preparation = preparation
        self.memory_format = torch.channels_last if preparation.channels_last else torch.contiguous_format
        self.network: nn.Module = network.to(memory_format=self.memory_format)  # type: ignore[call-overload]
        if preparation.compile:
            self.network = torch.compile(self.network)  # type: ignore[assignment]
        self._capture, self._kind = capture, kind
        self._graphs: dict[Any, Replay | None] = {}

    def _apply(self, *args: Any, **kwargs: Any) -> "OnGpu":
        self._graphs.clear()  # they hold the memory of the parameters before they were moved or cast
        return super()._apply(*args, **kwargs)  # type: ignore[no-untyped-call,no-any-return]

    def __getstate__(self) -> dict[str, Any]:
        """Return the state without graphs, which belong to this process and these parameters."""
        return {**self.__dict__, "_graphs": {}}

    def forward(self, x: Tensor) -> Output:
        """Return the network's output for x."""
        x = x.contiguous(memory_format=self.memory_format)
        replay = self._replay_for(x)
        output: Output = self.network(x) if replay is None else replay(x)
        return output

    def _replay_for(self, x: Tensor) -> Replay | None:
        if not self.preparation.cuda_graph or x.device.type != self._kind or torch.is_grad_enabled():
            return None
        if torch.compiler.is_compiling() or (x.is_cuda and torch.cuda.is_current_stream_capturing()):
            return None
        autocast = torch.is_autocast_enabled(self._kind) and torch.get_autocast_dtype(self._kind)
        key = (x.shape, x.dtype, x.device, autocast, torch.is_inference_mode_enabled())
        if key not in self._graphs:
            self._graphs[key] = self._captured(x) if len(self._graphs) < MOST_GRAPHS else None
        return self._graphs[key]

    def _captured(self, x: Tensor) -> Replay | None:
        try:
            return self._capture(self.network, x)
        except RuntimeError as error:
            reason = " ".join(str(error).split())[:200]
            warnings.warn(f"no CUDA graph for images {tuple(x.shape)}, run without one: {reason}", stacklevel=2)
            return None
