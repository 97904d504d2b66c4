"""Checkpoint files as plain tensors by name. Nothing but tensors and plain containers is ever unpickled."""

import re
import warnings
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from lambda_arch.errors import DataError

WRAPPERS = ("state_dict", "model_state_dict", "model", "net")
"""Keys under which training scripts keep the state dict, besides an epoch, an optimizer and so on."""
PREFIXES = ("module.", "_orig_mod.")
"""What DataParallel and torch.compile put before every name."""


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """Return the tensors of the checkpoint at ``path``, without wrappers around them and prefixes of all their names.

    Files that end in ``.safetensors`` are read as such, others by ``torch.load(weights_only=True)``.

    Raises OSError for a file that cannot be opened, and DataError for one that is truncated, is no checkpoint, or
    holds other than tensors.
    """
    with path.open("rb") as file:
        start = file.read(4)
    content = _read_safetensors(path) if path.suffix == ".safetensors" else _read_torch(path, start)
    for key in WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
            break
    if not isinstance(content, Mapping) or not content:
        raise DataError(f"{path}: expected a state dict, tensors by name; it holds {type(content).__name__}")
    for name, value in content.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            keys = ", ".join(WRAPPERS)
            raise DataError(f"{path}: expected a state dict, tensors by name, or one under {keys}; {name} is none")
    return strip_prefixes(dict(content))


def strip_prefixes(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return ``tensors`` without the prefixes that all their names have."""
    for prefix in PREFIXES * 2:
        if all(name.startswith(prefix) for name in tensors):
            tensors = {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}
    return tensors


def _read_safetensors(path: Path) -> object:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except SafetensorError as error:
        raise DataError(f"{path}: not a safetensors file, or a truncated one: {error}") from None


def _read_torch(path: Path, start: bytes) -> object:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about protocols of old files
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file fails in any way that its bytes say
        code = re.search(r"GLOBAL (\S+)", str(error))
        if code:
            raise DataError(
                f"{path}: holds a Python object, {code[1]}, and is not loaded: it could run code; "
                f"expected tensors alone, such as torch.save(model.state_dict(), file) writes"
            ) from None
        if start.startswith(b"PK"):
            raise DataError(f"{path}: a truncated or damaged checkpoint") from None
        raise DataError(f"{path}: not a checkpoint; expected what torch.save or safetensors writes") from None
