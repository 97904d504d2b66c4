"""Prepared networks that run as was fastest on their GPU, by the measurements in the store. Imports torch when used."""

from collections.abc import Mapping
from contextlib import suppress
from math import log
from typing import TYPE_CHECKING

from lambda_arch.errors import SetupError, StoreError
from lambda_arch.store.choices import keep_choice, read_choice
from lambda_arch.store.connection import Store
from lambda_arch.store.setup import device_name
from lambda_arch.timing.arguments import StoreLike, opened

if TYPE_CHECKING:
    import torch
    from torch import nn

    from lambda_arch.nn.preparation import Preparation

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
    where nothing was measured, as :data:`lambda_arch.nn.preparation.DEFAULT`.

    Raises SetupError for a batch size below 1 or an unknown preparation.
    """
    from lambda_arch.nn import prepare as prepare_as

    parameter = next(network.parameters(), None)
    if parameter is not None and parameter.device.type == "cuda" and batch_size > 0:
        with suppress(StoreError):  # a store that cannot be used knows nothing
            known = _known(parameter.device, batch_size, dtype or parameter.dtype, store)
            preparation = preparation or known
    return prepare_as(network, batch_size, dtype, preparation)


def _known(device: "torch.device", batch_size: int, dtype: "torch.dtype", store: StoreLike) -> "Preparation | None":
    """Return the fastest preparation, and let the cost model use the rates of the device."""
    from lambda_arch.timing.ceilings import use_ceilings
    from lambda_arch.timing.worker.machine import describe_machine

    here = describe_machine(device_name(str(device)))
    with opened(store) as kept:
        use_ceilings(kept, device, here)
        return read_preparation(kept, here.fingerprint, batch_size, dtype)


def keep_preparation(
    store: Store, fingerprint: str, batch_size: int, dtype: "torch.dtype", seconds: "Mapping[Preparation, float]"
) -> None:
    """Store how many seconds a prepared network took by each preparation, and with them the fastest."""
    fastest = min(seconds, key=lambda each: seconds[each])
    asked = _question(batch_size, dtype)
    keep_choice(store, fingerprint, asked, str(fastest), {str(each): value for each, value in seconds.items()})


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
