"""What the modules that families share allocate: convolutions with norms, squeeze-excitation, the classifier.

Each function does what the module of :mod:`lambda_arch.nn` of the same name does, in the same order.
"""

from collections.abc import Callable
from typing import Any

from lambda_arch.arch import Head, Part
from lambda_arch.costs.tape import elementwise, products, reductions, views
from lambda_arch.costs.tape.tape import Tape, Tensor
from lambda_arch.errors import ArchitectureError

Module = Callable[[Tape, Part, Tensor], Tensor]
MODULES: dict[type[Any], Module] = {}


def allocates(*kinds: type[Any]) -> Callable[[Module], Module]:
    """Register what the modules of parts with settings of these types allocate."""

    def register(function: Module) -> Module:
        MODULES.update(dict.fromkeys(kinds, function))
        return function

    return register


def run(tape: Tape, part: Part, x: Tensor) -> Tensor:
    """Return the output of a part; raises :class:`ArchitectureError` for a kind that is not registered."""
    kind = type(part.settings)
    if kind not in MODULES:
        raise ArchitectureError(
            f"{part.path}: the memory of {kind.__name__} is not known; expected a function that "
            f"@allocates({kind.__name__}) decorates"
        )
    return MODULES[kind](tape, part, x)


def call(function: Callable[..., Tensor], *arguments: Any) -> Tensor:
    """Call a module, whose inputs live until it returns, as in ``Module.__call__``."""
    return function(*arguments)


def convolution(
    tape: Tape, path: str, dim_out: int, area: int, side: int, x: Tensor, *, bias: bool = False, groups: int = 1
) -> Tensor:
    """Return a convolution to maps of ``side``; its kernel has ``area`` weights."""
    with tape.at(path):
        weight = tape.parameter(f"{path}.weight", (dim_out, x.shape[1] // groups, area, 1))
        offset = tape.parameter(f"{path}.bias", (dim_out,)) if bias else None
        return products.convolution(tape, x, weight, (side, side), offset)


def norm(tape: Tape, path: str, x: Tensor) -> Tensor:
    """Return a batch norm."""
    with tape.at(path):
        dim = (x.shape[1],)
        return reductions.batch_norm(
            tape, x, tape.parameter(f"{path}.weight", dim), tape.parameter(f"{path}.bias", dim)
        )


def activated(tape: Tape, path: str, activation: str | None, x: Tensor) -> Tensor:
    """Return an activation, in place; what it saves belongs to the norm before it."""
    if activation is None:
        return x
    with tape.at(f"{path}.norm"):
        return elementwise.relu_(tape, x) if activation == "relu" else elementwise.silu_(tape, x)


def conv_norm(
    tape: Tape,
    path: str,
    dim_out: int,
    area: int,
    side: int,
    x: Tensor,
    *,
    bias: bool = False,
    groups: int = 1,
    activation: str | None = "relu",
) -> Tensor:
    """Return a convolution, its norm and its activation."""
    y = convolution(tape, f"{path}.conv", dim_out, area, side, x, bias=bias, groups=groups)
    y = norm(tape, f"{path}.norm", y)
    return activated(tape, path, activation, y)


def squeeze_excitation(tape: Tape, path: str, hidden: int, activation: str, x: Tensor) -> Tensor:
    """Return squeeze-excitation with ``hidden`` channels between."""
    with tape.at(f"{path}.pool"):
        y = reductions.mean(tape, x)
    y = convolution(tape, f"{path}.reduce", hidden, 1, 1, y, bias=True)
    with tape.at(f"{path}.reduce"):
        y = elementwise.relu_(tape, y) if activation == "relu" else elementwise.silu_(tape, y)
    y = convolution(tape, f"{path}.expand", x.shape[1], 1, 1, y, bias=True)
    with tape.at(f"{path}.expand"):
        scale = elementwise.sigmoid(tape, y)
        del y
        return elementwise.multiply(tape, x, scale)


def pooled_linear(tape: Tape, path: str, classes: int, x: Tensor) -> Tensor:
    """Return a linear classifier of the mean of each map."""
    with tape.at(f"{path}.pool"):
        y = reductions.mean(tape, x)
        y = views.reshape(tape, y, y.shape[:2])
    with tape.at(f"{path}.fc"):
        weight = tape.parameter(f"{path}.fc.weight", (classes, y.shape[1]))
        return products.linear(tape, y, weight, tape.parameter(f"{path}.fc.bias", (classes,)))


@allocates(Head)
def head(tape: Tape, part: Part, x: Tensor) -> Tensor:
    """A head of a pool and a linear classifier."""
    return pooled_linear(tape, part.path, part.settings.classes, x)
