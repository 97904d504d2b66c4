"""The memory of a step before it is run: weights, gradients, optimizer, saved activations, temporaries. No torch.

Parameters, buffers, gradients, the optimizer's state and what is saved are exact: bytes that torch asks its allocator
for. Temporaries are those of torch's operations in their order (:mod:`lambda_arch.costs.tape`). Not included: the
workspace inside a kernel, what the allocator rounds up or keeps, and the device's context.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import NamedTuple

from lambda_arch.arch import Architecture, Lambda, Part, configured
from lambda_arch.arch.checks import check_whole
from lambda_arch.arch.evaluation import Evaluation, parse_evaluation
from lambda_arch.costs.backward import Mode, read_mode
from lambda_arch.costs.closed_form import count
from lambda_arch.costs.ledger import Ledger
from lambda_arch.costs.tape.step import Step, run_step
from lambda_arch.costs.tape.tape import FLOAT, LONG, Tape
from lambda_arch.errors import SetupError, did_you_mean
from lambda_arch.results import Result
from lambda_arch.units import BYTES, read_number

DTYPES = {"fp32": FLOAT, "bf16": 2}
"""Bytes of an element of products: in bf16 by autocast, with weights in fp32."""
OPTIMIZERS = {"sgd": 0, "sgd-momentum": 1, "rmsprop": 1, "adam": 2, "adamw": 2}
"""Numbers that an optimizer keeps for each parameter."""
STEP_COUNTERS = ("rmsprop", "adam", "adamw")
"""Optimizers that also keep one number for each tensor of parameters."""
DEVICES = ("cpu", "cuda")
MOST = 2**20
"""The largest batch size that is looked for."""


class ModuleMemory(NamedTuple):
    """The bytes of one module: its weights, their gradients, the optimizer's state, and what it saves for backward.

    A tensor that several modules save counts in the first of them.
    """

    path: str
    parameters: int
    buffers: int
    gradients: int
    optimizer_state: int
    saved: int


@dataclass(frozen=True)
class Footprint(Result):
    """The memory of a step of ``architecture``, in bytes, for the whole batch.

    ``rows``: one per module; ``inputs``: images and labels. ``batch_size`` (images), ``image_size`` (pixels a side),
    ``mode``, ``dtype``, ``evaluation``, ``device``, ``optimizer`` and ``recompute`` are those of
    :func:`lambda_arch.memory`. ``saved``: what autograd keeps for the backward pass at the end of the forward pass,
    without weights and images; ``gradients``: those of all parameters. ``at_peak``: what of each kind is alive at the
    peak, ``inputs`` (images and labels) and ``temporaries`` among it; their sum is ``peak``. In the optimizer's step
    temporaries are an upper bound, as much again as the parameters; it is the peak only for small batches.
    """

    architecture: str
    image_size: int
    batch_size: int
    mode: Mode
    dtype: str
    evaluation: str
    device: str
    optimizer: str
    recompute: bool
    rows: tuple[ModuleMemory, ...]
    inputs: int
    saved: int
    at_peak: dict[str, int]

    @property
    def parameters(self) -> int:
        """Bytes of all parameters."""
        return sum(row.parameters for row in self.rows)

    @property
    def buffers(self) -> int:
        """Bytes of running statistics."""
        return sum(row.buffers for row in self.rows)

    @property
    def gradients(self) -> int:
        """Bytes of the gradients of all parameters."""
        return sum(row.gradients for row in self.rows)

    @property
    def optimizer_state(self) -> int:
        """Bytes that the optimizer keeps between steps."""
        return sum(row.optimizer_state for row in self.rows)

    @property
    def peak(self) -> int:
        """The most bytes alive at once."""
        return sum(self.at_peak.values())


def memory(
    architecture: Architecture | str,
    *,
    batch_size: int = 1,
    mode: Mode = "inference",
    dtype: str = "fp32",
    evaluation: str = "canonical",
    device: str = "cpu",
    optimizer: str = "sgd-momentum",
    recompute: bool = False,
    fits: str | float | None = None,
    image_size: int | None = None,
    **settings: object,
) -> Footprint:
    """Return the memory of a step of ``architecture``, or of its name with ``settings``, without running it.

    - ``batch_size``: images; ``image_size``: their side in pixels
    - ``mode``: ``inference``, or ``train`` (forward and backward pass with cross-entropy, and an optimizer's step)
    - ``dtype``: ``fp32``, or ``bf16`` by autocast; ``device``: ``cpu`` or ``cuda``, whose operations differ a little
    - ``evaluation``: of lambda layers, by name; ``auto`` is a cost model's choice for the batch, and loads torch
    - ``optimizer``: ``sgd``, ``sgd-momentum``, ``rmsprop``, ``adam`` or ``adamw``; ``recompute``: whether blocks are
      computed again in the backward pass (``torch.utils.checkpoint`` around each)
    - ``fits``: bytes, or a text such as ``24GB``; the batch size is then the largest whose peak is within it

    Raises :class:`ArchitectureError` for an invalid name, and :class:`SetupError` for a setting that does not exist or
    if not even one image fits.
    """
    value = configured(architecture, image_size, settings)
    check_whole("batch_size", batch_size, 128)
    read_mode(mode)
    for name, given, choices in (("dtype", dtype, DTYPES), ("optimizer", optimizer, OPTIMIZERS)):
        _check(name, given, tuple(choices))
    _check("device", device, DEVICES)
    if recompute and mode != "train":
        raise SetupError("recompute=True: saves memory in training; expected mode=train with it")
    name = evaluation if evaluation == "auto" else str(parse_evaluation(evaluation))

    training = mode == "train"
    ledger = count(value)

    def of(batch: int) -> Footprint:
        choice = _evaluations(name, batch, device, training, dtype)
        tape = Tape(training=training, low=DTYPES[dtype], device=device, evaluation=choice)
        step = run_step(value, tape, batch, recompute)
        rows = tuple(_rows(ledger, step, optimizer, training))
        found = Footprint(
            architecture=ledger.architecture,
            image_size=ledger.image_size,
            batch_size=batch,
            mode=mode,
            dtype=dtype,
            evaluation=name,
            device=device,
            optimizer=optimizer if training else "",
            recompute=recompute,
            rows=rows,
            inputs=step.inputs,
            saved=sum(step.saved.values()),
            at_peak=step.peak,
        )
        return replace(found, at_peak=_at_peak(found))

    return of(batch_size) if fits is None else _largest(of, _bytes(fits), fits)


def _check(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise SetupError(f"{name}={value}: expected one of {', '.join(choices)}{did_you_mean(value, choices)}")


def _bytes(fits: str | float) -> int:
    if not isinstance(fits, str):
        return int(fits)
    number, factor = read_number(fits, BYTES, f"fits={fits}", "24GB")
    return int(Decimal(number) * factor)


def _largest(of: Callable[[int], Footprint], limit: int, asked: str | float) -> Footprint:
    """Return the footprint of the largest batch within ``limit``: doubled until it does not fit, then bisected."""
    best = of(1)
    if best.peak > limit:
        raise SetupError(
            f"fits={asked}: {best.architecture} takes {best.peak / 1e6:,.1f} MB for one image; expected at least that"
        )
    low, high = 1, 2
    while high <= MOST and (found := of(high)).peak <= limit:
        best, low, high = found, high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        found = of(middle)
        if found.peak <= limit:
            best, low = found, middle
        else:
            high = middle
    return best


def _rows(ledger: Ledger, step: Step, optimizer: str, training: bool) -> Iterator[ModuleMemory]:
    saved = dict(step.saved)
    for row in ledger.rows:
        weights = FLOAT * row.params
        buffers = weights + LONG if row.kind == "norm" else 0  # running mean and variance, and the number of batches
        counters = FLOAT * step.tensors.get(row.path, 0) if optimizer in STEP_COUNTERS else 0
        state = OPTIMIZERS[optimizer] * weights + counters
        kept = saved.pop(row.path, 0)
        yield ModuleMemory(row.path, weights, buffers, weights * training, state * training, kept)
    for path, size in saved.items():  # the loss; inputs of blocks that are computed again
        yield ModuleMemory(path, 0, 0, 0, 0, size)


def _at_peak(found: Footprint) -> dict[str, int]:
    """Return the bytes alive at the peak, of the forward and backward pass or of the optimizer's step."""
    kept = {"parameters": found.parameters, "buffers": found.buffers, "optimizer_state": found.optimizer_state}
    backward = {**kept, **found.at_peak}
    if found.mode != "train":
        return backward
    # a bound: an optimizer that updates all tensors at once writes no more than a copy of the parameters
    update = {**kept, "inputs": found.inputs, "gradients": found.gradients, "saved": 0, "temporaries": found.parameters}
    return max(backward, update, key=lambda kinds: sum(kinds.values()))


def _evaluations(name: str, batch_size: int, device: str, training: bool, dtype: str) -> Callable[[Part], Evaluation]:
    """Return the evaluation of the lambda layer of each part."""
    if name != "auto":
        chosen = parse_evaluation(name)
        return lambda part: chosen
    import torch

    from lambda_arch.nn.evaluation import LayerShape, choose

    low = torch.float32 if dtype == "fp32" else torch.bfloat16

    def choice(part: Part) -> Evaluation:
        layer, shape, side = part.settings, part.shape, part.size
        assert isinstance(layer, Lambda) and shape is not None
        rows = 2 * side - 1 if layer.m == "global" else layer.m
        scope = (rows, rows) if layer.position else None
        at = LayerShape(
            batch_size, side, side, shape.h, shape.k, shape.u, part.dim_out // shape.h, scope, layer.content,
            layer.m == "global",
        )  # fmt: skip
        return choose(at, device, training, dtype=low)

    return choice
