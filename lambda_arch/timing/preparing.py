"""Prepared networks that run as was fastest on their GPU, by the measurements in the store. Imports torch when used."""

from collections.abc import Mapping
from contextlib import suppress
from math import log
from typing import TYPE_CHECKING

from lambda_arch.errors import SetupError, StoreError
from lambda_arch.store.choices import keep_choice, read_choice
from lambda_arch.store.connection import Store
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
    """Return a copy of ``network`` for inference (:func:`lambda_arch.nn.prepare`).

    On CUDA, without a ``preparation``, it runs as was fastest on this device according to ``store`` (by default the
    user's own); where nothing was measured, as :data:`lambda_arch.nn.preparation.DEFAULT`.

    Raises SetupError for a batch size below 1 or an unknown preparation.
    """
    from lambda_arch.nn import prepare as prepare_as

    parameter = next(network.parameters(), None)
    if preparation is None and parameter is not None and parameter.device.type == "cuda":
        with suppress(StoreError):  # a store that cannot be read knows nothing
            preparation = _measured(str(parameter.device), batch_size, dtype or parameter.dtype, store)
    return prepare_as(network, batch_size, dtype, preparation)


def _measured(device: str, batch_size: int, dtype: "torch.dtype", store: StoreLike) -> "Preparation | None":
    from lambda_arch.timing.worker.machine import describe_machine

    with opened(store, read_only=True) as kept:
        return read_preparation(kept, describe_machine(_numbered(device)).fingerprint, batch_size, dtype)


def _numbered(device: str) -> str:
    return "cuda:0" if device == "cuda" else device


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
