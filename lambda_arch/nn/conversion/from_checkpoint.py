"""Conversion of a checkpoint of another layout to one of our networks."""

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from lambda_arch.arch import Architecture, ArchitectureError, configure, parse
from lambda_arch.errors import DataError
from lambda_arch.nn.building import build
from lambda_arch.nn.conversion.checkpoint import read_checkpoint
from lambda_arch.nn.conversion.inference import architecture_of, layer_of
from lambda_arch.nn.conversion.layout import EMBEDDINGS, POSITION, Layout, reshape_layers
from lambda_arch.nn.conversion.layouts import LAYOUTS
from lambda_arch.nn.lambda_layer import LambdaLayer
from lambda_arch.nn.network import Network
from lambda_arch.nn.tensor_files import check_buildable


@dataclass(frozen=True)
class Leftovers:
    """The tensors that a conversion could not use, one line per tensor.

    ``unmatched``: tensors that the network does not have; ``missing``: tensors that the checkpoint does not have;
    ``misshapen``: tensors of another shape; ``not_finite``: tensors with NaN or infinity.
    """

    unmatched: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    misshapen: tuple[str, ...] = ()
    not_finite: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return any((self.unmatched, self.missing, self.misshapen, self.not_finite))

    def __str__(self) -> str:
        kinds = (
            (self.unmatched, "unmatched"),
            (self.missing, "missing"),
            (self.misshapen, "of another shape"),
            (self.not_finite, "with NaN or infinity"),
        )
        return ", ".join(f"{len(tensors)} {what}" for tensors, what in kinds if tensors)

    def lines(self) -> Iterator[str]:
        """Yield a line for every tensor."""
        for kind in ("unmatched", "missing", "misshapen", "not_finite"):
            yield from (f"{kind.replace('_', ' ')}: {tensor}" for tensor in getattr(self, kind))


@dataclass(frozen=True)
class Conversion:
    """A network or lambda layer with the weights of a checkpoint, and the tensors that were left over.

    Tensors that were missing or misshapen keep their initial values.
    """

    module: Network | LambdaLayer
    leftovers: Leftovers

    @property
    def name(self) -> str:
        """The canonical name of the network, or the layer with its arguments."""
        if not isinstance(self.module, LambdaLayer):
            return str(self.module.architecture)
        return f"LambdaLayer({', '.join(f'{name}={value}' for name, value in self.module.arguments.items())})"


def convert(
    path: Path | str,
    layout: Layout | str,
    *,
    architecture: Architecture | str | None = None,
    image_size: int | None = None,
) -> Conversion:
    """Return the conversion of the checkpoint at ``path`` from ``layout``, one of ``LAYOUTS`` or its name.

    ``architecture`` is inferred from the tensors unless it is given. ``image_size`` is that of the architecture, which
    cannot be inferred. Leftover tensors raise no error: check ``leftovers``.

    Raises OSError for a file that cannot be opened; DataError for an unknown layout, for a file that is not a
    checkpoint of tensors only, for one of another layout, and for tensors of no known network.
    """
    path = Path(path)
    layout = layout if isinstance(layout, Layout) else _layout(layout)
    tensors = read_checkpoint(path)
    named, unmatched = _rename(path, tensors, layout)
    origins = {ours.replace(EMBEDDINGS, POSITION): name for name, ours in named.items()}
    global_layers = frozenset(ours.removesuffix(EMBEDDINGS) for ours in named.values() if ours.endswith(EMBEDDINGS))
    try:
        state = reshape_layers({ours: tensors[name] for name, ours in named.items()}, layout)
        module = _module(path, state, layout, architecture, image_size, global_layers)
    except (ArchitectureError, DataError):
        raise
    except ValueError as error:
        raise DataError(f"{path}: {error}") from None
    leftovers = _fill(module, state, origins)
    return Conversion(
        module,
        Leftovers((*unmatched, *leftovers.unmatched), *(leftovers.missing, leftovers.misshapen, leftovers.not_finite)),
    )


def _layout(name: str) -> Layout:
    if name not in LAYOUTS:
        raise DataError(f"layout={name}: no such layout; expected one of {', '.join(LAYOUTS)}")
    return LAYOUTS[name]


def _rename(path: Path, tensors: Mapping[str, Tensor], layout: Layout) -> tuple[dict[str, str], list[str]]:
    """Return our name for each tensor, and the names of the tensors that have none.

    Raises DataError if another layout knows more of the names than ``layout``.
    """
    known = {each.name: sum(each.rename(name) is not None for name in tensors) for each in LAYOUTS.values()}
    best = max(known, key=lambda name: known[name])
    if known[layout.name] == 0 or known[best] > known[layout.name]:
        hint = f"; it looks like layout={best}" if known[best] > known[layout.name] else ""
        raise DataError(
            f"{path}: not a checkpoint of {layout.name}, whose names are such as {layout.example}; "
            f"{known[layout.name]} of its {len(tensors)} tensors are named so, the first is {next(iter(tensors))}{hint}"
        )
    named: dict[str, str] = {}
    taken: set[str] = set()
    unmatched = []
    for name in tensors:
        ours = layout.rename(name)
        if ours is None or ours in taken:
            unmatched.append(name)
        else:
            named[name] = ours
            taken.add(ours)
    return named, unmatched


def _module(
    path: Path,
    state: Mapping[str, Tensor],
    layout: Layout,
    architecture: Architecture | str | None,
    image_size: int | None,
    global_layers: Set[str],
) -> Network | LambdaLayer:
    value = parse(architecture) if isinstance(architecture, str) else architecture
    value = architecture_of(state, layout, global_layers) if value is None else value
    if value is None:
        layer = layer_of(state, is_global="" in global_layers)
    else:
        value = value if image_size is None else configure(value, (), image_size)

    def make(device: str) -> Network | LambdaLayer:
        if value is not None:
            return build(value, device=device)
        with torch.device(device):
            return LambdaLayer(**layer)

    check_buildable(path, make)
    return make("cpu")


def _fill(module: Network | LambdaLayer, state: Mapping[str, Tensor], origins: Mapping[str, str]) -> Leftovers:
    """Copy ``state`` into ``module`` where it fits; ``origins`` maps our names to the checkpoint's."""
    own = module.state_dict()
    found, missing, misshapen, not_finite = {}, [], [], []
    for name, tensor in own.items():
        given = state.get(name)
        if given is None:
            if not name.endswith("num_batches_tracked"):  # if absent, torch starts it from zero too
                missing.append(name)
            continue
        origin = origins.get(name, name)
        if given.shape != tensor.shape:
            misshapen.append(f"{origin}, {_shape(given)} where {name} is {_shape(tensor)}")
            continue
        if given.is_floating_point() and not given.isfinite().all():
            not_finite.append(origin)
        found[name] = given
    unmatched = [origins.get(name, name) for name in state if name not in own]
    dtype = next((each.dtype for each in found.values() if each.is_floating_point()), None)
    if dtype is not None:
        module.to(dtype)
    module.load_state_dict(found, strict=False)
    return Leftovers(tuple(unmatched), tuple(missing), tuple(misshapen), tuple(not_finite))


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "a scalar"
