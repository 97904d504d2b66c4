"""Checkpoint files read as tensors by name. Only tensors and plain containers are ever unpickled."""

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from lambda_arch.errors import DataError, shown
from lambda_arch.nn.tensor_files import check_tensors, read_pickled, read_safetensors

WRAPPERS = ("state_dict", "model_state_dict", "model", "net")
"""Keys under which training scripts store the state dict, next to the epoch, optimizer and so on."""
PREFIXES = ("module.", "_orig_mod.")
"""Prefixes that DataParallel and torch.compile add to every name."""


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """Return the tensors of the checkpoint at ``path``, without a wrapper around them and common prefixes.

    Files that end in ``.safetensors`` are read as such, others by ``torch.load(weights_only=True)`` of torch 2.10 or
    later.

    Raises OSError for a file that cannot be opened, and DataError for one that is truncated, is no checkpoint, or
    holds other than tensors.
    """
    content: object = read_safetensors(path)[0] if path.suffix == ".safetensors" else read_pickled(path)
    for key in WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
            break
    if not isinstance(content, Mapping) or not content:
        raise DataError(f"{path}: expected a state dict, tensors by name; it holds {type(content).__name__}")
    for name, value in content.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            keys = ", ".join(WRAPPERS)
            raise DataError(
                f"{path}: expected a state dict, tensors by name, or one under {keys}; {shown(name)} is none"
            )
    check_tensors(path, content)
    return strip_prefixes(dict(content))


def strip_prefixes(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return ``tensors`` without the prefixes that all their names have."""
    for prefix in PREFIXES * 2:
        if all(name.startswith(prefix) for name in tensors):
            tensors = {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}
    return tensors
