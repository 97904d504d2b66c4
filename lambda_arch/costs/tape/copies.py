"""Operations that write a new tensor and save no values of it: gathering, padding, transforms, interpolation."""

from collections.abc import Sequence

from lambda_arch.costs.tape.records import Operand, fresh, made
from lambda_arch.costs.tape.strides import Shape
from lambda_arch.costs.tape.tape import Parameter, Tape, Tensor


def upsample(tape: Tape, x: Tensor, side: int) -> Tensor:
    """Return x interpolated to maps of ``side``."""
    return made(tape.new((*x.shape[:2], side, side), x.size), tape.node([x], fresh([x])))


def gather(tape: Tape, x: Tensor, shape: Shape, index: Tensor) -> Tensor:
    """Return elements of x, chosen by an ``index``; both are saved."""
    node = tape.node([x], fresh([x]))
    tape.save(node, x, index)
    return made(tape.new(shape, x.size), node)


def indexed(tape: Tape, weight: Parameter, shape: Shape, index: Sequence[Tensor]) -> Tensor:
    """Return embeddings gathered by indices, which are saved."""
    node = tape.node([weight], fresh([weight]))
    tape.save(node, *index)
    return made(tape.new(shape, weight.size), node)


def transformed(tape: Tape, x: Tensor, shape: Shape) -> Tensor:
    """Return the spectra of real numbers x; x is saved."""
    node = tape.node([x], fresh([x]))
    tape.save(node, x)
    return made(tape.new(shape, 2 * x.size), node)


def copied(tape: Tape, inputs: Sequence[Operand], shape: Shape, size: int | None = None) -> Tensor:
    """Return a new tensor computed from ``inputs`` by an operation that saves nothing."""
    size = max(each.size for each in inputs) if size is None else size
    return made(tape.new(shape, size), tape.node(inputs, fresh(inputs)))
