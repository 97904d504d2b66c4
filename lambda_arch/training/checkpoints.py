"""Checkpoints: a folder each, written whole or not at all; weights as safetensors, the rest without pickled objects.

In ``checkpoint-3-0``, after three epochs and no step, ``weights.safetensors`` names its architecture,
``ema.safetensors`` is there with a moving average, and ``state.pt`` holds tensors and plain values that
``torch.load(..., weights_only=True)`` reads. Imports torch.
"""

import io
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from lambda_arch.errors import DataError
from lambda_arch.files import TEMPORARY, atomic_write
from lambda_arch.nn import Network, to_safetensors
from lambda_arch.nn.tensor_files import read_pickled, read_safetensors

WEIGHTS, EMA, STATE = "weights.safetensors", "ema.safetensors", "state.pt"


def save(folder: Path, epoch: int, step: int, networks: Mapping[str, Network], state: Mapping[str, Any]) -> Path:
    """Write the checkpoint of a place into ``folder``, and return its own folder; older ones are removed.

    ``networks``: by the name of their file. Raises OSError, naming the folder, where it cannot be written; what was
    there before stays then.
    """
    final = folder / f"checkpoint-{epoch}-{step}"
    unfinished = folder / f".{final.name}.unfinished"
    try:
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        for name, network in networks.items():
            atomic_write(unfinished / name, to_safetensors(network))
        content = io.BytesIO()
        torch.save(dict(state), content)
        atomic_write(unfinished / STATE, content.getvalue())
        if final.exists():  # of the same step: as good
            shutil.rmtree(unfinished)
        else:
            unfinished.rename(final)
    except OSError as error:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise OSError(error.errno, error.strerror, str(final)) from None
    tidy(folder)
    return final


def tidy(folder: Path) -> None:
    """Remove older checkpoints than the last, and what a process left unfinished that was killed as it wrote."""
    last = newest(folder)
    for path in [*_found(folder), *folder.glob(".checkpoint-*.unfinished")]:
        if path != last:
            shutil.rmtree(path, ignore_errors=True)
    for path in folder.glob(f"{TEMPORARY}*"):
        path.unlink(missing_ok=True)


def newest(folder: Path) -> Path | None:
    """Return the folder of the last whole checkpoint in ``folder``."""
    return max(_found(folder), default=None, key=place)


def _found(folder: Path) -> list[Path]:
    return [path for path in folder.glob("checkpoint-*") if re.fullmatch(r"checkpoint-\d+-\d+", path.name)]


def place(checkpoint: Path) -> tuple[int, int]:
    """Return the epoch and step of a checkpoint, which its name says."""
    _, epoch, step = checkpoint.name.split("-")
    return int(epoch), int(step)


def load_state(checkpoint: Path) -> dict[str, Any]:
    """Return the state of a checkpoint. Raises :class:`lambda_arch.DataError` naming the file where it is damaged."""
    path = checkpoint / STATE
    try:
        state = read_pickled(path)
    except OSError as error:
        raise DataError(f"{path}: damaged checkpoint ({error.strerror})") from None
    if not isinstance(state, dict) or not isinstance(state.get("identity"), dict):
        raise DataError(f"{path}: expected a checkpoint of lambda-arch train")
    return state


def load_weights(network: Network, path: Path) -> None:
    """Load weights into ``network``. Raises :class:`lambda_arch.DataError` naming the file where they do not fit it."""
    try:
        network.load_state_dict(read_safetensors(path)[0])
    except (RuntimeError, OSError) as error:
        raise DataError(f"{path}: {' '.join(str(error).split())[:300]}") from None
