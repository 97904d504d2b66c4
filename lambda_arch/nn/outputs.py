"""What networks return: logits, or maps by name."""

from collections.abc import Callable

from torch import Tensor

Output = Tensor | dict[str, Tensor]


def on_each(function: Callable[..., Tensor], *outputs: Output) -> Output:
    """Return ``function`` of the tensors of ``outputs``, or of their tensors of each name."""
    first = outputs[0]
    if isinstance(first, Tensor):
        return function(*outputs)
    return {name: function(*(each[name] for each in outputs)) for name in first}  # type: ignore[index]
