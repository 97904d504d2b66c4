"""The architecture that a file of weights names in its metadata, read without torch and without the weights."""

import json
from pathlib import Path

from lambda_arch.arch.parsing import parse
from lambda_arch.arch.registry import Architecture
from lambda_arch.errors import ArchitectureError
from lambda_arch.files import check_regular

ENDING = ".safetensors"
LONGEST_HEADER = 100_000_000  # bytes, by the format


def read_named_architecture(path: Path) -> Architecture:
    """Return the architecture of a safetensors file that ``lambda-arch convert`` or ``train`` wrote.

    Such a file begins with the length of its header (8 bytes, little-endian) and the header, in JSON. Raises
    :class:`ArchitectureError` for any other file, and OSError if it cannot be read.
    """
    check_regular(path)
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = file.read(length) if length <= LONGEST_HEADER else b""
    try:
        name = json.loads(header)["__metadata__"]["architecture"]
        found = parse(name)
    except ArchitectureError as error:
        raise ArchitectureError(f"{path}: {error}") from None
    except (ValueError, TypeError, KeyError, RecursionError):
        raise ArchitectureError(
            f"{path}: names no architecture in its metadata; expected a file that lambda-arch convert or train wrote"
        ) from None
    return found
