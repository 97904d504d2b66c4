"""Prepared networks that run as was fastest on their GPU, by the measurements in the store. Imports torch when used."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from math import log
from statistics import median
from typing import TYPE_CHECKING

from lambda_arch.errors import SetupError, StoreError
from lambda_arch.store.choices import keep_choice, read_choice, read_seconds
from lambda_arch.store.connection import Store
from lambda_arch.store.machines import keep_machine
from lambda_arch.store.setup import device_name
from lambda_arch.timing.arguments import StoreLike, opened

if TYPE_CHECKING:
    import torch
    from torch import nn

    from lambda_arch.nn.preparation import Preparation

MEASURED = "measured"
ROUNDS = 7  # of each preparation
BATCH_SIZES = (1, 32, 128)
"""Batch sizes for which a preparation may be stored; others take the nearest."""


def prepare(
    network: "nn.Module",
    batch_size: int = 1,
    dtype: "torch.dtype | None" = None,
    preparation: "Preparation | str | None" = None,
    *,
    store: StoreLike = None,
) -> "nn.Module":
    """Return a copy of ``network`` for inference on ``batch_size`` images (:func:`lambda_arch.nn.prepare`).

    It takes images (b, 3, H, W) and gives the outputs of ``network.eval()`` up to rounding: norms are folded, and
    lambda layers have the cost model's choice for products in ``dtype`` (that of autocast; by default the network's
    own).

    On CUDA the cost model uses the rates of the device that ``store`` has (by default the user's own; measured once if
    it has none), and without a ``preparation`` the copy runs as was fastest on this device according to ``store``;
    where nothing was measured, as :data:`lambda_arch.nn.preparation.DEFAULT`. With ``"measured"`` every preparation is
    tried now, compiled ones too, which takes minutes, and the times are kept in ``store``.

    Raises SetupError for a batch size below 1 or an unknown preparation.
    """
    from lambda_arch.nn import prepare as prepare_as

    parameter = next(network.parameters(), None)
    if parameter is not None and parameter.device.type == "cuda" and batch_size > 0:
        with suppress(StoreError):  # a store that cannot be used knows nothing
            measure = partial(measure_preparations, network, batch_size, dtype) if preparation == MEASURED else None
            known = fastest_preparation(parameter.device, batch_size, dtype or parameter.dtype, store, measure)
            preparation = known if measure else preparation or known
    return prepare_as(network, batch_size, dtype, None if preparation == MEASURED else preparation)


def fastest_preparation(
    device: "torch.device",
    batch_size: int,
    dtype: "torch.dtype",
    store: StoreLike,
    measure: "Callable[[], Mapping[Preparation, float]] | None" = None,
) -> "Preparation | None":
    """Return the fastest preparation in the store, after adding what ``measure`` returns, if it is given.

    From now on the cost model uses the rates of the device.
    """
    from lambda_arch.timing.ceilings import use_ceilings
    from lambda_arch.timing.worker.machine import describe_machine

    here = describe_machine(device_name(str(device)))
    with opened(store) as kept:
        use_ceilings(kept, device, here)
        if measure is not None:
            keep_machine(kept, {**here.as_dict(), "fingerprint": here.fingerprint})
            keep_preparation(kept, here.fingerprint, batch_size, dtype, measure())
        return read_preparation(kept, here.fingerprint, batch_size, dtype)


def measure_preparations(
    network: "nn.Module", batch_size: int, dtype: "torch.dtype | None" = None
) -> "dict[Preparation, float]":
    """Return the median seconds of ``network`` by each preparation, on random images of its size.

    Those for which memory is too small are left out.
    """
    import torch

    from lambda_arch.nn import prepare as prepare_as
    from lambda_arch.nn.preparation import ALL
    from lambda_arch.timing.worker.timer import Timer

    parameter = next(network.parameters())
    side: int = network.architecture.image_size  # type: ignore[union-attr, assignment]
    images = torch.randn(batch_size, 3, side, side, device=parameter.device, dtype=parameter.dtype)
    kind, low = parameter.device.type, dtype not in (None, parameter.dtype)
    timer = Timer(str(parameter.device))
    seconds = {}
    for preparation in ALL:
        prepared = prepare_as(network, batch_size, dtype, preparation)
        with torch.no_grad(), torch.autocast(kind, dtype, enabled=low), suppress(torch.OutOfMemoryError):
            prepared(images)
            seconds[preparation] = median(timer.seconds(partial(prepared, images)) for _ in range(ROUNDS))
    return seconds


def keep_preparation(
    store: Store, fingerprint: str, batch_size: int, dtype: "torch.dtype", seconds: "Mapping[Preparation, float]"
) -> None:
    """Store how many seconds a prepared network took by each preparation, and the fastest of all that are stored."""
    asked = _question(batch_size, dtype)
    known = {**read_seconds(store, fingerprint, asked), **{str(each): value for each, value in seconds.items()}}
    keep_choice(store, fingerprint, asked, min(known, key=lambda name: known[name]), known)


def read_preparation(store: Store, fingerprint: str, batch_size: int, dtype: "torch.dtype") -> "Preparation | None":
    """Return the fastest preparation for the nearest of BATCH_SIZES that was measured, or None."""
    from lambda_arch.nn.preparation import parse_preparation

    for size in sorted({batch_size, *BATCH_SIZES}, key=lambda size: abs(log(size / batch_size))):
        known = read_choice(store, fingerprint, _question(size, dtype))
        if known is not None:
            with suppress(SetupError):  # stored by a version with other preparations
                return parse_preparation(known)
    return None


def _question(batch_size: int, dtype: "torch.dtype") -> dict[str, object]:
    return {"prepared": True, "b": batch_size, "dtype": str(dtype).removeprefix("torch.")}
