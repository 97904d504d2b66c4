"""Any torch module counted by fvcore and by torch's counter, side by side. Imports torch."""

import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor, nn

from lambda_arch.costs.fvcore_counter import macs_of, operators_by_module
from lambda_arch.costs.network_rows import shapes_of
from lambda_arch.costs.torch_counter import flops_by_module
from lambda_arch.errors import ArchitectureError, ModuleError
from lambda_arch.interop.handlers import fvcore_handles, torch_formulas
from lambda_arch.interop.loading import load, shown_error, user_code
from lambda_arch.interop.locating import Location, locate
from lambda_arch.interop.references import Reference
from lambda_arch.results import Result

ROOT = "(itself)"
"""The path of the module itself, for what it does outside of its submodules."""

MULTIPLIES = re.compile(
    r"(^|_)(addmm|attention|attn|baddbmm|bilinear|bmm|cdist|conv\w*|dot|einsum|fft\w*|gru|linear|lstm|matmul|mm|mv|rnn)(_|$)"
)
"""Names of operations that multiply and accumulate."""

T = TypeVar("T")


class ModuleRow(NamedTuple):
    """The own costs of one module, without those of its submodules, for the whole input.

    ``shape`` is that of its (first) output, None if it did not run. ``params`` are trainable scalars, ``frozen`` those
    that need no gradient, ``buffers`` the elements of buffers. Multiply-accumulates are None where a counter could not
    run. ``fvcore_flops``: what fvcore's own total counts, with norms and pooling.
    """

    path: str
    kind: str
    shape: tuple[int, ...] | None
    params: int = 0
    frozen: int = 0
    buffers: int = 0
    fvcore_macs: int | None = None
    torch_macs: int | None = None
    fvcore_flops: int | None = None

    @property
    def part(self) -> str:
        """The first word of the path: the child of the network that the module is in."""
        return self.path.partition(".")[0]

    @property
    def differs(self) -> bool:
        """Whether both counters ran, and disagree."""
        return None not in (self.fvcore_macs, self.torch_macs) and self.fvcore_macs != self.torch_macs


@dataclass(frozen=True)
class ModuleLedger(Result):
    """The rows of a module and their sums, as counted by fvcore and by torch.

    ``zero`` says for each counter how often each operation ran that it does not know, and counts as zero. ``failed``
    says why a counter could not run. ``architecture`` is the module's name.
    """

    architecture: str
    inputs: str
    rows: tuple[ModuleRow, ...]
    image_size: int | None = None
    zero: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def params(self) -> int:
        """Trainable scalars."""
        return sum(row.params for row in self.rows)

    @cached_property
    def frozen(self) -> int:
        """Scalars of parameters that need no gradient."""
        return sum(row.frozen for row in self.rows)

    @cached_property
    def buffers(self) -> int:
        """Elements of buffers."""
        return sum(row.buffers for row in self.rows)

    @cached_property
    def fvcore_macs(self) -> int | None:
        """Multiply-accumulates by fvcore."""
        return _sum(row.fvcore_macs for row in self.rows)

    @cached_property
    def torch_macs(self) -> int | None:
        """Multiply-accumulates by torch's counter."""
        return _sum(row.torch_macs for row in self.rows)

    @cached_property
    def fvcore_flops(self) -> int | None:
        """The total of fvcore: multiply-accumulates, and the elements of norms and pools."""
        return _sum(row.fvcore_flops for row in self.rows)

    @property
    def macs(self) -> int | None:
        """Multiply-accumulates by torch's counter, or by fvcore if torch's could not run."""
        return self.fvcore_macs if self.torch_macs is None else self.torch_macs

    @property
    def flops(self) -> int | None:
        """Twice the multiply-accumulates."""
        return None if self.macs is None else 2 * self.macs

    @property
    def differing(self) -> tuple[ModuleRow, ...]:
        """The rows on which the counters disagree."""
        return tuple(row for row in self.rows if row.differs)

    @property
    def agree(self) -> bool | None:
        """Whether the counters agree in every row; None if one of them could not run."""
        return None if self.fvcore_macs is None or self.torch_macs is None else not self.differing

    @property
    def missed(self) -> dict[str, dict[str, int]]:
        """The operations in ``zero`` that multiply, or may (they are not torch's): with these a total is too low."""
        found = {}
        for counter, operations in self.zero.items():
            own = {name: times for name, times in operations.items() if _multiplies(name)}
            if own:
                found[counter] = own
        return found

    def by_part(self) -> dict[str, "ModuleLedger"]:
        """Return a ledger for each child of the network."""
        rows: dict[str, list[ModuleRow]] = {}
        for row in self.rows:
            rows.setdefault(row.part, []).append(row)
        return {
            part: ModuleLedger(self.architecture, self.inputs, tuple(own), self.image_size)
            for part, own in rows.items()
        }

    def as_dict(self) -> dict[str, Any]:
        """Return the totals as plain values."""
        names = ("params", "frozen", "buffers", "macs", "flops", "fvcore_macs", "torch_macs", "fvcore_flops")
        return {
            "architecture": self.architecture,
            "image_size": self.image_size,
            "input": self.inputs,
            **{name: getattr(self, name) for name in names},
            "agree": self.agree,
            "missed": "; ".join(f"{counter}: {', '.join(names)}" for counter, names in self.missed.items()),
        }


def _multiplies(operation: str) -> bool:
    namespace, _, name = operation.partition("::")
    return namespace != "aten" or MULTIPLIES.search(name) is not None


def _sum(values: Iterator[int | None]) -> int | None:
    found = list(values)
    return None if None in found else sum(value for value in found if value is not None)


def count_reference(reference: Reference, *, run: bool = True) -> ModuleLedger:
    """Return the counts of the module that a reference makes, in eval mode; without ``run`` only its parameters.

    Raises :class:`ModuleError` for a module that cannot be made or run.
    """
    location = locate(reference)
    module = load(reference, location).eval()
    lazy = any(torch.nn.parameter.is_lazy(each) for each in (*module.parameters(), *module.buffers()))
    inputs = ";".join(map(str, reference.inputs))
    image_size = reference.image_size or None
    if not run and not lazy:
        return ModuleLedger(str(reference), inputs, tuple(_rows(module, {}, {}, {}, set())), image_size)
    tensors = tuple(each.tensor() for each in reference.inputs)
    return _count(module, tensors, str(reference), inputs, image_size, location)


def count_module(module: nn.Module, example_input: Tensor | Sequence[Tensor]) -> ModuleLedger:
    """Return the counts of ``module`` on ``example_input``, by fvcore and by torch's counter, one row per module.

    It runs in eval mode without gradients, and is left as it was. ``example_input``: a tensor, or one per argument.
    Counts are for the whole input. Operations that a counter does not know count as zero and are in ``zero``; see
    :func:`lambda_arch.interop.handler_of`.

    Raises :class:`ModuleError`, with the line of the module's code, if it does not run on this input.
    """
    if not isinstance(module, nn.Module):
        raise ArchitectureError(f"{type(module).__name__}: expected an nn.Module, or the name of an architecture")
    tensors = (example_input,) if isinstance(example_input, Tensor) else tuple(example_input or ())
    if not tensors or not all(isinstance(each, Tensor) for each in tensors):
        raise ArchitectureError("example_input: expected a tensor, or one per argument of the module")
    inputs = ";".join(",".join(map(str, each.shape)) + _suffix(each) for each in tensors)
    return _count(module, tensors, type(module).__name__, inputs, None, None)


def _suffix(tensor: Tensor) -> str:
    return "" if tensor.dtype is torch.float32 else f":{str(tensor.dtype).removeprefix('torch.')}"


def _count(
    module: nn.Module,
    tensors: tuple[Tensor, ...],
    name: str,
    inputs: str,
    image_size: int | None,
    location: Location | None,
) -> ModuleLedger:
    failed: dict[str, str] = {}
    call = name.rpartition("@")[0] or name

    def attempt(counter: str, count: Callable[[], tuple[T, dict[str, int]]]) -> tuple[T | None, dict[str, int]]:
        try:
            with user_code(call, location):
                return count()
        except ModuleError as error:  # the module runs, as was seen before
            cause = error.__cause__ or error
            failed[counter] = f"{type(cause).__name__}: {shown_error(cause)}"[:200]
            return None, {}

    with _in_evaluation(module), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with user_code(call, location), shapes_of(module) as shapes, torch.no_grad():
            module(*tensors)
        ran = set(shapes)
        operators, unknown = attempt("fvcore", lambda: operators_by_module(module, tensors, fvcore_handles()))
        flops, zero = attempt("torch", lambda: flops_by_module(module, tensors, torch_formulas()))
    rows = _rows(module, shapes, operators, flops, ran)
    return ModuleLedger(name, inputs, tuple(rows), image_size, {"fvcore": unknown, "torch": zero}, failed)


@contextmanager
def _in_evaluation(module: nn.Module) -> Iterator[None]:
    """Put ``module`` into eval mode for a while."""
    training = [each for each in module.modules() if each.training]
    module.eval()
    try:
        with without_fused_modules():
            yield
    finally:
        for each in training:
            each.training = True


@contextmanager
def without_fused_modules() -> Iterator[None]:
    """Run attention modules of torch operation by operation: no counter knows them as one."""
    fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)


def _rows(
    module: nn.Module,
    shapes: Mapping[str, tuple[int, ...]],
    operators: Mapping[str, Mapping[str, float]] | None,
    flops: Mapping[str, int] | None,
    ran: set[str],
) -> Iterator[ModuleRow]:
    """Yield the row of every module that has parameters, buffers or costs of its own, or has no submodules."""
    counted: set[int] = set()
    for path, each in module.named_modules():
        trainable = frozen = 0
        for parameter in each.parameters(recurse=False):
            if id(parameter) not in counted:
                trainable += parameter.numel() if parameter.requires_grad else 0
                frozen += 0 if parameter.requires_grad else parameter.numel()
            counted.add(id(parameter))
        buffers = [buffer for buffer in each.buffers(recurse=False) if id(buffer) not in counted]
        counted |= set(map(id, buffers))
        own = None if operators is None else operators.get(path, {})
        row = ModuleRow(
            path or ROOT,
            type(each).__name__,
            shapes.get(path),
            trainable,
            frozen,
            sum(buffer.numel() for buffer in buffers),
            None if own is None else macs_of(own),
            None if flops is None else flops.get(path, 0) // 2,
            None if own is None else int(sum(own.values())),
        )
        if any(row[3:]):
            yield row
