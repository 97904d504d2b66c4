"""A network ready to run in a setup: built, cast, compiled, captured or given to another runtime. Imports torch."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from lambda_arch.arch import Architecture
from lambda_arch.costs.torch_counter import flops_of
from lambda_arch.interop.agreement import randomize_norms
from lambda_arch.interop.counting import without_fused_modules
from lambda_arch.interop.handlers import torch_formulas
from lambda_arch.interop.loading import load, user_code
from lambda_arch.interop.locating import Location
from lambda_arch.interop.references import Reference
from lambda_arch.interop.runtimes import load_runtime
from lambda_arch.nn import build, prepare, set_evaluation
from lambda_arch.nn.evaluation.ceilings import DTYPES
from lambda_arch.nn.evaluation.tf32 import set_tf32
from lambda_arch.nn.preparation import Preparation
from lambda_arch.store.setup import Setup
from lambda_arch.timing.worker.devices import select_device

LOSS_SCALE = 1024.0  # for fp16; constant, because a dynamic scaler would synchronise with the device
CAPTURE_WARMUP = 3  # steps before a CUDA graph is captured
SEED = 0
LEARNING_RATE, MOMENTUM, WEIGHT_DECAY = 1e-4, 0.9, 1e-4


class Workload:
    """A network or any module, its inputs, and :meth:`step`: one forward pass, or one training step.

    ``precision``: in which it computes, as its runtime calls it.

    ``after_backward``, if set, is called in training between the backward pass and the optimizer's step. Raises what
    torch raises, such as OutOfMemoryError.
    """

    def __init__(self, architecture: Architecture | Reference, setup: Setup, location: Location | None = None) -> None:
        self.architecture = architecture
        self.setup = setup
        self.device = select_device(setup.device)
        torch.set_num_threads(setup.threads)
        set_tf32(setup.dtype == "tf32")
        torch.manual_seed(SEED)
        dtype = DTYPES[setup.dtype]
        cast = dtype if setup.cast == "cast" else torch.float32
        memory_format = torch.channels_last if setup.memory_format == "channels_last" else torch.contiguous_format
        # built on the host, so that every device has the same weights
        network, inputs, labels = (
            _module(architecture, location, setup, cast)
            if isinstance(architecture, Reference)
            else _network(architecture, setup, cast)
        )
        self.network: nn.Module = network.to(self.device, memory_format=memory_format)  # type: ignore[call-overload]
        self.network.train(setup.mode == "train")
        if setup.evaluation == "prepared":
            last = setup.memory_format == "channels_last"
            # compiled and captured below, if the setup says so
            preparation = Preparation(channels_last=last, cuda_graph=False)
            self.network = prepare(self.network, setup.batch_size, dtype, preparation)
        elif not isinstance(architecture, Reference):
            training = setup.mode == "train"
            set_evaluation(self.network, setup.evaluation, setup.batch_size, training=training, dtype=dtype)
        self.inputs = [self._placed(each, memory_format) for each in inputs]
        self.labels = None if labels is None else labels.to(self.device)
        self.optimizer: torch.optim.Optimizer | None = None
        if setup.mode == "train":
            self.optimizer = torch.optim.SGD(
                self.network.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY
            )
        self.after_backward: Callable[[], None] | None = None
        self._forward: Callable[..., Any] = self.network
        self.flops = self._count(location) if isinstance(architecture, Reference) else 0
        if setup.compile:
            self._forward = torch.compile(self.network)
        self._replay: Callable[[], object] | None = self._capture() if setup.cuda_graph else None
        self.precision: str = setup.dtype
        if setup.runtime != "torch":
            runner = load_runtime(self.network, self.inputs[0], setup)
            self._replay, self.precision = runner.step, runner.precision
            self.network = nn.Identity()  # its memory is the runtime's now

    def step(self) -> None:
        """Run the network once on the whole batch; on a GPU this only enqueues the work."""
        if self._replay is not None:
            self._replay()
        else:
            self._step()

    def _step(self) -> None:
        if self.optimizer is None:
            with torch.inference_mode(), self._autocast():
                self._forward(*self.inputs)
            return
        self.optimizer.zero_grad(set_to_none=True)
        with self._autocast():
            loss = _loss(self._forward(*self.inputs), self.labels)
        (loss * LOSS_SCALE if self.setup.dtype == "fp16" else loss).backward()  # type: ignore[no-untyped-call]
        if self.after_backward is not None:
            self.after_backward()
        self.optimizer.step()

    def _placed(self, value: Tensor, memory_format: torch.memory_format) -> Tensor:
        if value.dim() == 4:  # the only tensors that have such formats
            return value.to(self.device, memory_format=memory_format)
        return value.to(self.device)

    def _count(self, location: Location | None) -> int:
        """Run a step of a module that is not ours, and return its FLOPs by torch's counter, 0 if that fails.

        Raises :class:`ModuleError`, with the line of the user's code, if the step fails.
        """
        with user_code(self.architecture, location):
            self._step()
        with suppress(Exception), without_fused_modules():
            return flops_of(self._step, torch_formulas())
        return 0

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


def _network(architecture: Architecture, setup: Setup, dtype: torch.dtype) -> tuple[nn.Module, list[Tensor], Tensor]:
    """Return a network of ours, with images and labels."""
    network: nn.Module = build(architecture, dtype=dtype)
    if setup.runtime != "torch":
        randomize_norms(network)  # so that a comparison with torch sees every branch
    size = architecture.image_size
    images = torch.randn(setup.batch_size, 3, size, size, dtype=dtype)
    return network, [images], torch.randint(architecture.classes, (setup.batch_size,))


def _module(
    reference: Reference, location: Location | None, setup: Setup, dtype: torch.dtype
) -> tuple[nn.Module, list[Tensor], None]:
    """Return a module that is not ours, with its inputs; those in float32 are cast like its weights."""
    assert location is not None
    inputs = [each.of_batch(setup.batch_size).tensor() for each in reference.inputs]
    return (
        load(reference, location).to(dtype),
        [each.to(dtype) if each.dtype is torch.float32 else each for each in inputs],
        None,
    )


def _loss(outputs: Any, labels: Tensor | None) -> Tensor:
    """Return the cross entropy; without labels the sum of the means of all outputs."""
    if labels is not None:
        return nn.functional.cross_entropy(outputs.float(), labels)
    tensors = [each for each in tree_leaves(outputs) if isinstance(each, Tensor) and each.requires_grad]
    return torch.stack([each.float().mean() for each in tensors]).sum()
