"""The users' own formulas for operations that a counter does not know."""

from collections.abc import Callable
from typing import Any

Formula = Callable[[list[Any], list[Any]], int]
"""Returns multiply-accumulates, from the arguments of an operation and its outputs.

A tensor is its shape, a tuple of integers; other arguments are their values where known, else None.
"""

HANDLERS: dict[str, Formula] = {}
"""The registered formulas, by operation."""


def handler_of(operation: str) -> Callable[[Formula], Formula]:
    """Register the decorated formula for an ``operation``, such as ``aten::scaled_dot_product_attention``.

    The name is as :func:`lambda_arch.count` lists it. The formula takes all arguments and all outputs, tensors as their
    shapes, and returns multiply-accumulates. Each counter that meets the operation uses it, even if it has one of its
    own. No errors are raised here.

    >>> from math import prod
    >>> @handler_of("aten::_softmax")
    ... def softmax(inputs, outputs):
    ...     return 2 * prod(outputs[0])
    """

    def register(formula: Formula) -> Formula:
        HANDLERS[operation] = formula
        return formula

    return register


def fvcore_handles() -> dict[str, Callable[..., Any]]:
    """Return the formulas as fvcore takes them."""

    def handle(formula: Formula) -> Callable[..., Any]:
        return lambda inputs, outputs: int(formula([*map(_traced, inputs)], [*map(_traced, outputs)]))

    return {name: handle(each) for name, each in HANDLERS.items()}


def torch_formulas() -> dict[Any, Callable[..., int]]:
    """Return the formulas of torch's operations as its FlopCounterMode takes them; it counts FLOPs."""
    found = {}
    for name, formula in HANDLERS.items():
        operation = _operation(name)
        if operation is not None:
            found[operation] = _flops(formula)
    return found


def _flops(formula: Formula) -> Callable[..., int]:
    def flops(*args: Any, out_val: Any = None, **kwargs: Any) -> int:
        outputs = out_val if isinstance(out_val, (tuple, list)) else [out_val]
        return 2 * int(formula([*map(_shape, args), *map(_shape, kwargs.values())], [*map(_shape, outputs)]))

    flops._get_raw = True  # type: ignore[attr-defined]  # with values, not shapes alone
    return flops


def _operation(name: str) -> Any:
    import torch

    namespace, _, operation = name.partition("::")
    return getattr(getattr(torch.ops, namespace, None), operation, None) if operation else None


def _shape(value: Any) -> Any:
    import torch

    return tuple(value.shape) if isinstance(value, torch.Tensor) else value


def _traced(value: Any) -> Any:
    """Return the shape or the value of an argument in a trace."""
    if value.isCompleteTensor():
        return tuple(value.type().sizes())
    try:
        return value.toIValue()
    except RuntimeError:  # a tensor of unknown shape, or a list of tensors
        return None
