"""A lambda layer with inputs, and the errors of its evaluations against float64. Imports torch."""

import copy
import math
from collections.abc import Iterable
from functools import cached_property

import torch
from torch import Tensor

from benchmarks.gpu.calls import free, is_out_of_memory, one_line
from benchmarks.gpu.item import Row
from benchmarks.gpu.rounds import LARGEST, TOLERANCE, largest_error, relative_error
from lambda_arch.nn import LambdaLayer
from lambda_arch.nn.evaluation import Evaluation

POISON = 4  # tensors of NaN, each as large as a few of the layer's, freed before an evaluation is checked


class CheckedLayer:
    """A layer, its input and the gradient of its output, in ``dtype``; for inference, or with gradients for training.

    Weights and inputs have values that ``dtype`` can hold, and float64 computes from the same ones, so that an error is
    that of the evaluation alone.
    """

    def __init__(self, layer: LambdaLayer, batch: int, dtype: str, kind: torch.dtype, training: bool) -> None:
        assert layer.size is not None
        self.layer = layer.train(training)
        self.dtype, self.kind, self.training = dtype, kind, training
        weight = layer.queries.weight
        self.x = torch.randn(batch, weight.shape[1], *layer.size, device=weight.device)
        self.cotangent = torch.randn_like(self.x)
        with torch.no_grad():
            for tensor in (self.x, self.cotangent, *layer.parameters()):
                tensor.copy_(tensor.to(kind))

    def step(self, evaluation: Evaluation) -> Tensor:
        """Run one forward pass, in training also the backward pass, under autocast for low precision."""
        return self._step(self.layer, evaluation, self.x, self.cotangent)

    def _step(self, layer: LambdaLayer, evaluation: Evaluation, x: Tensor, cotangent: Tensor) -> Tensor:
        layer.evaluation = evaluation
        low = self.kind in (torch.bfloat16, torch.float16) and x.dtype == torch.float32
        with torch.set_grad_enabled(self.training), torch.autocast(x.device.type, self.kind, enabled=low):
            y: Tensor = layer(x)
        if self.training:
            layer.zero_grad(set_to_none=True)
            y.backward(cotangent.to(y))
        return y

    @cached_property
    def exact(self) -> dict[str, Tensor]:
        """Outputs and gradients in float64, by products of matrices: no kernel that is checked computes them."""
        return self._results(copy.deepcopy(self.layer).double(), Evaluation("matrix", "product"), torch.float64)

    def _results(self, layer: LambdaLayer, evaluation: Evaluation, dtype: torch.dtype) -> dict[str, Tensor]:
        x = self.x.to(dtype, copy=True).requires_grad_(self.training)
        found = {"output": self._step(layer, evaluation, x, self.cotangent.to(dtype)).detach()}
        if self.training:
            gradients = {"input": x.grad, **{name: p.grad for name, p in layer.named_parameters()}}
            found |= {name: gradient for name, gradient in gradients.items() if gradient is not None}
        return found

    def checked(self, evaluation: Evaluation) -> Row:
        """Return the columns ``status`` and ``error_*``: of the output, of the worst gradient, of the worst element.

        Memory that was not written is likely to be NaN.
        """
        exact = self.exact
        poison = [torch.full((self.x.numel() * POISON,), math.nan, device=self.x.device) for _ in range(POISON)]
        del poison  # what is allocated next is likely to lie here
        found: dict[str, Tensor] | None = None
        status: Row = {}
        try:
            found = self._results(copy.deepcopy(self.layer), evaluation, torch.float32)
        except Exception as error:
            if not is_out_of_memory(error) and "CUDA error" in str(error):
                raise  # this process can do no more
            status = {"status": "oom" if is_out_of_memory(error) else "failed", "reason": one_line(error)}
        if found is None:  # outside of the handler, which holds the memory of what failed
            free(str(self.x.device))
            return status
        missing = [name for name in exact if name not in found]
        errors = {name: relative_error(found[name], each) for name, each in exact.items() if name in found}
        largest = [largest_error(found[name], each) for name, each in exact.items() if name in found]
        output = errors.pop("output")
        gradients, element = _worst(errors.values()), _worst(largest)
        limit = TOLERANCE[self.dtype]
        right = output < limit and gradients < limit and element < LARGEST * limit and not missing
        row: Row = {"status": "ok" if right else "wrong", "error_output": output}
        return row | ({"error_gradients": gradients} if self.training else {}) | {"error_element": element}


def _worst(errors: Iterable[float]) -> float:
    found = list(errors)
    return math.nan if any(map(math.isnan, found)) else max(found, default=0.0)
