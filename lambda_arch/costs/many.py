"""The closed form over arrays: the costs of a million architectures at once."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lambda_arch.arch import (
    MIN_IMAGE_SIZE,
    STAGES,
    WIDTHS,
    ArchitectureError,
    Block,
    Bottleneck,
    Convolution,
    Lambda,
    Part,
    ResNet,
    expand,
    parse,
    with_block,
)
from lambda_arch.arch.checks import check_heads
from lambda_arch.costs.backward import Mode, read_mode, with_backward
from lambda_arch.costs.ledger import Row
from lambda_arch.costs.modules import rows
from lambda_arch.results import Result

if TYPE_CHECKING:
    import pandas

CHUNK = 8192  # architectures at a time: their arrays stay in the processor's cache
Integers = NDArray[np.int64]
LARGEST = 2**63 - 1
COSTS = ("params", "macs", "fvcore_flops", "activations")


@dataclass(frozen=True)
class Counts(Result):
    """Exact costs of many architectures for one image each: one int64 array per cost, all of one shape.

    ``params``: trainable scalars; ``macs``: multiply-accumulates; ``fvcore_flops``: what fvcore counts;
    ``activations``: elements of the outputs of convolutions and products. See :class:`Row`.
    """

    params: Integers
    macs: Integers
    fvcore_flops: Integers
    activations: Integers

    @property
    def flops(self) -> Integers:
        """Twice the multiply-accumulates."""
        return 2 * self.macs

    def to_frame(self) -> "pandas.DataFrame":
        """Return all counts as a pandas frame."""
        import pandas

        return pandas.DataFrame({name: getattr(self, name).ravel() for name in COSTS})


def count_many(
    base: ResNet | str = "lambda_resnet50",
    *,
    k: ArrayLike | None = None,
    h: ArrayLike | None = None,
    u: ArrayLike | None = None,
    m: ArrayLike | None = None,
    stages: ArrayLike | None = None,
    image_size: ArrayLike | None = None,
    mode: Mode = "inference",
) -> Counts:
    """Return the costs of ``base`` with the given settings, which broadcast element by element.

    ``k``, ``h``, ``u``, ``m`` (0 for global) and ``image_size`` are integers or integer arrays. ``stages`` holds
    patterns (strings), or booleans (True for a lambda layer) with one more axis, of one element per stage or per block.
    What is not given stays as in ``base``; blocks that become lambda layers take its most common settings. ``mode``:
    ``train`` counts the MACs of a training step, as in :func:`count`.

    Only convolutions and lambda layers can be counted many at once; for other layers use :func:`count`.

    Raises :class:`ArchitectureError` naming the first value that cannot be built, the first layer of another kind, or
    the first settings whose FLOPs do not fit 64 bits.
    """
    read_mode(mode)
    base = _resnet(base)
    if base.shared_embeddings:
        raise ArchitectureError(f"{base}: expected no shared_embeddings, which are counted one architecture at a time")
    _check_layers(str(base), "".join(block.layer.letter for stage in base.stages for block in stage))
    arguments = {"k": k, "h": h, "u": u, "m": m, "image_size": image_size}
    given = {name: _integers(name, value) for name, value in arguments.items() if value is not None}
    lambdas = None if stages is None else _lambda_blocks(stages, base)
    shapes = {name: value.shape for name, value in given.items()}
    shapes |= {} if lambdas is None else {"stages": lambdas.shape[:-1]}
    try:
        shape = np.broadcast_shapes(*shapes.values())
    except ValueError:
        sizes = ", ".join(f"{name} of {' x '.join(map(str, each)) or 1}" for name, each in shapes.items())
        raise ArchitectureError(f"{sizes} values: expected as many of each, or arrays that broadcast") from None
    flat = {name: np.broadcast_to(value, shape).ravel() for name, value in given.items()}
    if lambdas is not None:
        lambdas = np.broadcast_to(lambdas, (*shape, lambdas.shape[-1])).reshape(-1, lambdas.shape[-1])
    total = int(np.prod(shape))
    groups = _groups(base, lambdas)
    _check_heads(flat.get("h"), groups)
    fits = not total or _bound(base, groups, flat, mode) <= LARGEST
    results = {name: np.empty(total, np.int64) for name in COSTS}
    for start in range(0, total, CHUNK):
        part = slice(start, min(start + CHUNK, total))
        settings = {name: value[part] for name, value in flat.items()}
        if not fits:
            _check_range(base, groups, settings, part, mode)
        sums = _count_chunk(base, groups, settings, part, mode)
        for name in COSTS:
            results[name][part] = sums[name]
    return Counts(**{name: value.reshape(shape) for name, value in results.items()})


@dataclass(frozen=True)
class _Group:
    """Blocks of one stage that cost the same: path of the first, how many there are, how many have a lambda layer."""

    path: str
    stage: int
    block: Block  # with a lambda layer, whether or not it has one
    number: int
    lambdas: Integers | int

    def lambdas_in(self, part: slice) -> Integers | int:
        return self.lambdas[part] if isinstance(self.lambdas, np.ndarray) else self.lambdas


def _groups(base: ResNet, lambdas: NDArray[np.bool_] | None) -> list[_Group]:
    usual = base.most_common_lambda()
    members: dict[tuple[int, bool, Block], list[int]] = {}
    blocks = [part for part in base.parts() if isinstance(part.settings, Bottleneck)]
    own = [isinstance(part.settings.block.layer, Lambda) for part in blocks]
    for place, part in enumerate(blocks):
        assert part.stage is not None
        block = part.settings.block if own[place] else replace(part.settings.block, layer=usual)
        members.setdefault((part.stage, part.first, block), []).append(place)
    groups = []
    for (stage, _, block), places in members.items():
        if lambdas is None:
            number: Integers | int = sum(own[place] for place in places)
        elif lambdas.shape[-1] == len(STAGES):
            number = len(places) * lambdas[:, stage].astype(np.int64)
        else:
            number = lambdas[:, places].sum(axis=1, dtype=np.int64)
        groups.append(_Group(blocks[places[0]].path, stage, block, len(places), number))
    return groups


def _count_chunk(
    base: ResNet, groups: Sequence[_Group], given: Mapping[str, Any], chunk: slice, mode: Mode
) -> dict[str, Any]:
    numbers = {name: given[name] for name in ("k", "h", "u", "m") if name in given}
    parts = {part.path: part for part in base.parts(given.get("image_size"))}
    sums: dict[str, Any] = Counter()
    for path in ("stem", "head"):
        _add(sums, _rows(parts[path], mode))
    for group in groups:
        part, lambdas = parts[group.path], group.lambdas_in(chunk)
        kinds = [
            (with_block(part, replace(group.block, layer=Convolution())), group.number - lambdas),
            (with_block(part, group.block, **numbers), lambdas),
        ]
        for of_kind, number in kinds:
            if np.any(number):
                _add(sums, _rows(of_kind, mode), number)
    return sums


def _rows(part: Part, mode: Mode) -> Iterable[Row]:
    return with_backward(rows(part), reads_images=part.path == "stem") if mode == "train" else rows(part)


def _add(sums: dict[str, Any], rows: Iterable[Row], number: Any = 1) -> None:
    rows = list(rows)
    for name in COSTS:
        sums[name] = sums[name] + number * sum(getattr(row, name) for row in rows)


def _resnet(base: ResNet | str) -> ResNet:
    architecture = parse(base) if isinstance(base, str) else base
    if not isinstance(architecture, ResNet):
        raise ArchitectureError(f"{architecture}: expected a ResNet to count many of, such as lambda_resnet50")
    return architecture


def _integers(name: str, value: ArrayLike) -> Integers:
    array = np.asarray(value)
    if array.dtype.kind not in "iu":
        raise ArchitectureError(f"{name}={_first(array)}: expected whole numbers")
    bad = {
        "m": (array < 0) | ((array % 2 == 0) & (array != 0)),
        "image_size": array < MIN_IMAGE_SIZE,
    }.get(name, array < 1) | (array > LARGEST)
    if bad.any():
        expected = {"m": "odd scopes, or 0 for global", "image_size": f"whole numbers from {MIN_IMAGE_SIZE}"}
        raise ArchitectureError(f"{name}={_first(array[bad])}: expected {expected.get(name, 'whole numbers from 1')}")
    return array.astype(np.int64)


def _check_heads(heads: Integers | None, groups: Sequence[_Group]) -> None:
    for group in groups:
        width, layer = WIDTHS[group.stage], group.block.layer
        assert isinstance(layer, Lambda)
        own, lambdas = np.broadcast_arrays(layer.h if heads is None else heads, group.lambdas)
        bad = own[(width % own != 0) & (lambdas > 0)]
        if bad.size:
            check_heads("h", _first(bad), width, STAGES[group.stage])


def _bound(base: ResNet, groups: Sequence[_Group], given: Mapping[str, Integers], mode: Mode) -> int:
    """Return an upper bound of all costs: each block counts as a convolution and as a lambda layer of largest settings.

    Costs grow with every setting but the heads. Each term grows either with more heads or with fewer, so the bound adds
    the costs of both.
    """
    largest = {name: int(value.max()) for name, value in given.items()}
    if "m" in given and not given["m"].all():  # a global scope has fewer embeddings than this squared
        largest["m"] = max(largest["m"], 2 * largest.get("image_size", base.image_size))
    heads = {1, largest["h"]} if "h" in given else {None}
    total = 0
    for h in heads:
        settings = largest if h is None else {**largest, "h": h}
        for lambdas in (True, False):
            uniform = [replace(group, lambdas=group.number * lambdas) for group in groups]
            sums = _count_chunk(base, uniform, settings, slice(None), mode)
            total += max(2 * sums["macs"], *sums.values())
    return total


def _check_range(
    base: ResNet, groups: Sequence[_Group], given: Mapping[str, Integers], chunk: slice, mode: Mode
) -> None:
    """Raise for the first settings of a chunk whose costs exceed 64 bits; Python's integers do not overflow."""
    exact = {name: value.astype(object) for name, value in given.items()}
    whole = [replace(g, lambdas=g.lambdas * np.array(1, object)) for g in groups]
    sums = _count_chunk(base, whole, exact, chunk, mode)
    costs = [np.asarray(cost, object) for cost in (2 * sums["macs"], *sums.values())]
    bad = np.flatnonzero(np.atleast_1d(reduce(np.maximum, costs) > LARGEST))
    if bad.size:
        settings = ",".join(f"{name}={value[bad[0]]}" for name, value in given.items()) or str(base)
        raise ArchitectureError(f"{settings}: costs beyond {LARGEST:,}, what 64 bits hold; expected smaller values")


def _lambda_blocks(stages: ArrayLike, base: ResNet) -> NDArray[np.bool_]:
    """Return which stages, or which blocks, hold lambda layers: the shape of ``stages`` with one more axis."""
    array = np.asarray(stages)
    blocks = [len(stage) for stage in base.stages]
    lengths = (len(STAGES), sum(blocks))
    if array.dtype == np.bool_:
        if array.ndim == 0 or array.shape[-1] not in lengths:
            expected = f"{lengths[0]} (one per stage) or {lengths[1]} (one per block)"
            raise ArchitectureError(f"stages of shape {array.shape}: expected a last axis of {expected}")
        return array
    if array.dtype.kind != "U":
        raise ArchitectureError(f"stages={_first(array)}: expected patterns such as CCLL, or booleans")
    width = array.dtype.itemsize // 4
    if width in lengths:  # one letter per stage or block: compare all of them at once
        codes = np.ascontiguousarray(array).view(np.uint32).reshape(*array.shape, width)
        is_lambda: NDArray[np.bool_] = codes == ord("L")
        if (is_lambda | (codes == ord("C"))).all():
            return is_lambda
    known: dict[str, list[bool]] = {}
    for pattern in array.ravel().tolist():
        if pattern not in known:
            letters = "".join(expand(pattern, blocks))
            _check_layers(f"stages={pattern}", letters)
            known[pattern] = [letter == "L" for letter in letters]
    return np.array([known[pattern] for pattern in array.ravel().tolist()]).reshape(*array.shape, lengths[1])


def _check_layers(what: str, letters: str) -> None:
    others = [letter for letter in letters if letter not in "CL"]
    if others:
        raise ArchitectureError(
            f"{what}: expected only C and L layers, which can be counted many at once; count() takes {others[0]} too"
        )


def _first(array: NDArray[Any]) -> Any:
    return array.ravel()[0].item() if array.size else "nothing"
