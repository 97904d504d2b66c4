"""The time of every part of a network, inside a whole step. Imports torch."""

import itertools
from typing import Any

from torch import Tensor, nn

from lambda_arch.interop.references import Reference
from lambda_arch.timing.worker.timer import Mark, Timer
from lambda_arch.timing.worker.workload import Workload


class PartTimer:
    """Times the parts of a workload's steps by marks between them, so that they add up to the whole step.

    In training a part's time is that of its forward pass, its backward pass (from the gradient of its output to the
    gradient of its input) and its share, by parameters, of the optimizer's step. The loss counts towards the head.
    """

    def __init__(self, workload: Workload) -> None:
        self._workload = workload
        self._timer = Timer(str(workload.device), workload.setup.clock)
        assert not isinstance(workload.architecture, Reference)  # refused before
        paths = [part.path for part in workload.architecture.parts()]
        self._parts = [(path, workload.network.get_submodule(path)) for path in paths]
        params = [sum(p.numel() for p in module.parameters()) for _, module in self._parts]
        self._share = [count / sum(params) for count in params]
        self._forward: list[Mark] = []
        self._backward: list[Mark] = []
        self._backward_end: Mark = 0.0
        workload.after_backward = self._mark_backward_end
        self._hooks = [module.register_forward_hook(self._after) for _, module in self._parts]

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths of the parts, in order."""
        return tuple(path for path, _ in self._parts)

    def remove(self) -> None:
        """Remove all hooks from the network."""
        self._workload.after_backward = None
        for hook in self._hooks:
            hook.remove()

    def sample(self) -> tuple[float, ...]:
        """Run a step and return the seconds of every part."""
        self._forward, self._backward = [], []
        self._timer.synchronize()
        start = self._timer.mark()
        self._workload.step()
        end = self._timer.mark()
        self._timer.synchronize()
        between = self._timer.between
        seconds = [between(a, b) for a, b in itertools.pairwise([start, *self._forward])]
        if not self._backward:
            return tuple(seconds)
        arrived = [*self._backward, self._backward_end]  # the head's output first, the stem's last
        backward = [between(a, b) for a, b in itertools.pairwise(arrived)]
        loss, update = between(self._forward[-1], arrived[0]), between(self._backward_end, end)
        seconds = [f + b + update * share for f, b, share in zip(seconds, reversed(backward), self._share, strict=True)]
        seconds[-1] += loss
        return tuple(seconds)

    def _after(self, _module: nn.Module, _inputs: Any, output: Tensor) -> None:
        self._forward.append(self._timer.mark())
        if output.requires_grad:
            output.register_hook(self._arrived)  # type: ignore[no-untyped-call]

    def _arrived(self, _gradient: Tensor) -> None:
        self._backward.append(self._timer.mark())

    def _mark_backward_end(self) -> None:
        self._backward_end = self._timer.mark()
