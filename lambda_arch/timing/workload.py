"""A case as something to run: the network built, cast, compiled or captured, one call a step. Imports torch."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn

from lambda_arch.arch import Architecture
from lambda_arch.nn import build, prepare, set_evaluation
from lambda_arch.store.setup import Setup

DTYPES = {"fp32": torch.float32, "tf32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
LOSS_SCALE = 1024.0  # fp16: a constant one, for a scaler that adapts would wait for the device
CAPTURE_WARMUP = 3


def use(device: str) -> torch.device:
    """Make ``device`` the one that work goes to, and return it."""
    found = torch.device(device)
    if found.type == "cuda":
        torch.cuda.set_device(found)  # events and graphs are of the current device
    return found


class Workload:
    """The network of an architecture, its inputs, and :meth:`step`: one forward pass, or one training step.

    Runs out of memory, or refuses, where torch does. ``timer`` measures calls of anything on its device.
    """

    def __init__(self, architecture: Architecture, setup: Setup) -> None:
        self.setup = setup
        self.device = use(setup.device)
        torch.set_num_threads(setup.threads)
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = setup.dtype == "tf32"
        torch.manual_seed(0)
        dtype = DTYPES[setup.dtype]
        cast = dtype if setup.cast == "cast" else torch.float32
        memory_format = torch.channels_last if setup.memory_format == "channels_last" else torch.contiguous_format
        # built on the host, so that every device runs the same weights
        network = build(architecture, dtype=cast)
        self.network: nn.Module = network.to(self.device, memory_format=memory_format)  # type: ignore[call-overload]
        self.network.train(setup.mode == "train")
        if setup.evaluation == "prepared":
            self.network = prepare(self.network, setup.batch_size)
        else:
            set_evaluation(self.network, setup.evaluation, setup.batch_size, training=setup.mode == "train")
        size = architecture.image_size
        images = torch.randn(setup.batch_size, 3, size, size, dtype=cast)
        self.images = images.to(self.device, memory_format=memory_format)
        self.labels = torch.randint(architecture.classes, (setup.batch_size,)).to(self.device)
        self.optimizer: torch.optim.Optimizer | None = None
        if setup.mode == "train":
            self.optimizer = torch.optim.SGD(self.network.parameters(), lr=1e-4, momentum=0.9, weight_decay=1e-4)
        self.marks: Callable[[str], None] | None = None
        self._forward: Callable[[Tensor], Tensor] = torch.compile(self.network) if setup.compile else self.network
        self._replay = self._capture() if setup.graph else None

    def step(self) -> None:
        """Run the network once on the whole batch; on a GPU, only put that into its queue."""
        if self._replay is not None:
            self._replay()
        else:
            self._step()

    def _step(self) -> None:
        if self.optimizer is None:
            with torch.inference_mode(), self._autocast():
                self._forward(self.images)
            return
        self.optimizer.zero_grad(set_to_none=True)
        with self._autocast():
            loss = nn.functional.cross_entropy(self._forward(self.images).float(), self.labels)
        (loss * LOSS_SCALE if self.setup.dtype == "fp16" else loss).backward()  # type: ignore[no-untyped-call]
        if self.marks is not None:
            self.marks("backward")
        self.optimizer.step()

    def _autocast(self) -> AbstractContextManager[object]:
        if self.setup.cast == "cast" or self.setup.dtype in ("fp32", "tf32"):
            return nullcontext()
        return torch.autocast(self.device.type, DTYPES[self.setup.dtype])

    def _capture(self) -> Callable[[], None]:
        side = torch.cuda.Stream(self.device)  # type: ignore[no-untyped-call]
        side.wait_stream(torch.cuda.current_stream(self.device))
        with torch.cuda.stream(side):
            for _ in range(CAPTURE_WARMUP):
                self._step()
        torch.cuda.current_stream(self.device).wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self._step()
        return graph.replay


class Timer:
    """Seconds of calls on a device: events on a GPU, the clock elsewhere (``cpu``: processor time of this process)."""

    def __init__(self, device: str, clock: str = "wall") -> None:
        self.device = use(device)
        self.kind = self.device.type
        self._now = time.process_time if clock == "cpu" else time.perf_counter

    def synchronize(self) -> None:
        """Wait until the device is done."""
        if self.kind == "cuda":
            torch.cuda.synchronize(self.device)
        elif self.kind == "mps":
            torch.mps.synchronize()

    def mark(self) -> "torch.cuda.Event | float":
        """Return a point in time on the device: an event put into its queue, or the clock's reading."""
        if self.kind == "cuda":
            event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
            event.record()
            return event
        self.synchronize()
        return self._now()

    @staticmethod
    def between(start: "torch.cuda.Event | float", end: "torch.cuda.Event | float") -> float:
        """Return the seconds from one mark to another; events have to be over."""
        if isinstance(start, float) or isinstance(end, float):
            assert isinstance(start, float) and isinstance(end, float)
            return end - start
        return float(start.elapsed_time(end)) / 1e3

    def seconds(self, call: Callable[[], object], times: int = 1) -> float:
        """Return the mean seconds of ``times`` calls in a row."""
        self.synchronize()
        start = self.mark()
        for _ in range(times):
            call()
        end = self.mark()
        self.synchronize()
        return self.between(start, end) / times


class Memory:
    """Peak memory: of torch's allocator on CUDA, the process's resident set on a CPU."""

    def __init__(self, device: str) -> None:
        self.device = torch.device(device)
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)

    def peak(self) -> int:
        """Return the most bytes so far."""
        if self.device.type == "cuda":
            return int(torch.cuda.max_memory_allocated(self.device))
        if self.device.type == "mps":
            return int(torch.mps.driver_allocated_memory())
        return peak_resident()


def peak_resident() -> int:
    """Return the most bytes that this process has had in memory."""
    import psutil

    info = psutil.Process().memory_info()
    if hasattr(info, "peak_wset"):  # Windows
        return int(info.peak_wset)  # type: ignore[attr-defined]
    try:
        from pathlib import Path

        for line in Path("/proc/self/status").read_text("ascii", "replace").splitlines():
            if line.startswith("VmHWM:"):  # getrusage would tell the parent's peak where that was larger
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    import resource
    import sys

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
