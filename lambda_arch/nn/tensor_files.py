"""Untrusted files of tensors: their declared sizes are checked before anything is allocated."""

import re
import warnings
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from lambda_arch.errors import DataError, shown
from lambda_arch.files import check_regular

M = TypeVar("M", bound=nn.Module)

SAFE_TORCH = (2, 10)
"""The first version in which ``weights_only=True`` is safe."""
FLOATS = frozenset((torch.float16, torch.bfloat16, torch.float32, torch.float64))
INTEGERS = frozenset((torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64))


def read_safetensors(path: Path, device: str = "cpu") -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return the tensors of a safetensors file, by name, and its metadata.

    Raises OSError for a file that cannot be opened, and DataError for one that is damaged or has tensors of an
    unexpected kind.
    """
    from safetensors import safe_open

    check_regular(path)
    check_memory(path, path.stat().st_size)
    try:
        with safe_open(path, "pt", device=device) as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  it is no mapping
            metadata = file.metadata() or {}
    except OSError:
        raise
    except Exception as error:  # a damaged file, or one with types that this torch lacks, may raise anything
        raise DataError(f"{path}: not a safetensors file, or a truncated one: {shown(error)}") from None
    check_tensors(path, tensors)
    return tensors, metadata


def read_pickled(path: Path) -> object:
    """Return what torch.save wrote at ``path``: only tensors and plain containers; no code in it runs.

    Raises OSError for a file that cannot be opened, and DataError for one that is damaged or holds other objects, or if
    this version of torch cannot read it safely.
    """
    check_regular(path)
    if tuple(int(each) for each in re.findall(r"\d+", torch.__version__)[:2]) < SAFE_TORCH:
        raise DataError(
            f"{path}: not loaded by torch {torch.__version__}, where pickled checkpoints can run code (below 2.6, "
            "CVE-2025-32434) or corrupt memory (below 2.10, CVE-2026-24747); expected torch 2.10 or later, or a "
            "safetensors file"
        )
    check_memory(path, _unpacked(path))
    with path.open("rb") as file:
        start = file.read(4)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about protocols of old files
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file may raise anything
        code = re.search(r"GLOBAL (\S+)", str(error))
        if code:
            raise DataError(
                f"{path}: holds a Python object, {shown(code[1])}, and is not loaded: it could run code; "
                f"expected only tensors, as torch.save(model.state_dict(), file) writes them"
            ) from None
        if start.startswith(b"PK"):
            raise DataError(f"{path}: a truncated or damaged checkpoint") from None
        raise DataError(f"{path}: not a checkpoint; expected what torch.save or safetensors writes") from None


def check_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Raise :class:`DataError` for a tensor of an unexpected kind, or larger than its data in the file."""
    for name, tensor in tensors.items():
        kind = _odd_kind(tensor)
        if kind:
            raise DataError(f"{path}: {shown(name)} is {kind}; expected a dense tensor of floats or integers")


def _odd_kind(tensor: Tensor) -> str:
    """Return what is unexpected about a tensor, or an empty text."""
    if tensor.is_quantized:
        return "quantised"
    if tensor.layout != torch.strided or tensor.is_nested:
        return "sparse"
    if tensor.is_meta:
        return "on the meta device, without values"
    if tensor.dtype not in FLOATS | INTEGERS:
        return f"of {str(tensor.dtype).removeprefix('torch.')}"
    size = tensor.numel() * tensor.element_size()
    fewer = f"of {tensor.numel():,} elements, of which the file holds fewer"
    return "empty" if not size else fewer if tensor.untyped_storage().nbytes() < size else ""


def check_buildable(path: Path, make: Callable[[str], M]) -> M:
    """Return the module that ``make`` builds on the meta device, without memory.

    Raises :class:`DataError` if the module described in ``path`` cannot be built, or does not fit into memory.
    """
    try:
        module = make("meta")
    except (ArithmeticError, RuntimeError, TypeError, MemoryError) as error:
        raise DataError(f"{path}: describes no network that can be built ({shown(error)})") from None
    check_memory(path, sum(each.numel() * each.element_size() for each in module.state_dict().values()))
    return module


def check_memory(path: Path, size: int) -> None:
    """Raise :class:`DataError` if ``size`` bytes exceed the free memory."""
    import psutil

    free = psutil.virtual_memory().available
    if size > free:
        raise DataError(
            f"{path}: would take {size / 1e9:,.1f} GB of memory; expected at most the {free / 1e9:,.1f} that are free"
        )


def _unpacked(path: Path) -> int:
    """Return the unpacked size of a file in bytes."""
    try:
        with zipfile.ZipFile(path) as archive:
            return sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return path.stat().st_size
