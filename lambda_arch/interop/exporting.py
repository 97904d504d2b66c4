"""The verb that writes a network as a file for other programs, and checks the file. Imports torch when used."""

import errno
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lambda_arch.arch import Architecture, parse
from lambda_arch.errors import DataError, SetupError
from lambda_arch.files import atomic_files
from lambda_arch.results import Result

if TYPE_CHECKING:
    from torch import nn

    from lambda_arch.interop.agreement import Agreement, Run
    from lambda_arch.nn import Network

FORMATS = {".onnx": "ONNX", ".pt2": "torch.export"}
REFUSED = {
    (".onnx", "fft"): "which ONNX has no complex numbers for",
    (".onnx", "fused"): "a Triton kernel, which no file holds",
    (".pt2", "fused"): "a Triton kernel, which no file holds",
}
"""Why an order of the products cannot be exported to a format."""
BATCH_SIZES = (1, 3)
"""The batches with which a written file is checked."""
TOLERANCE = 1e-4
"""The largest error that passes; float32 in another order of operations gives about 1e-6."""


@dataclass(frozen=True)
class Exported(Result):
    """A written file, and how its outputs agree with torch's.

    ``path`` and ``data``, the file of tensors beside it if there is one; ``format``: its kind and version; ``bytes`` of
    both.
    """

    architecture: Architecture
    evaluation: str
    path: Path
    data: Path | None
    format: str
    bytes: int
    agreements: tuple["Agreement", ...]

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return {
            "architecture": str(self.architecture),
            "image_size": self.architecture.image_size,
            "evaluation": self.evaluation,
            "file": str(self.path),
            "data": self.data and str(self.data),
            "format": self.format,
            "bytes": self.bytes,
            "agreements": [asdict(each) for each in self.agreements],
        }


def export(
    architecture: Architecture | str | None,
    to: Path | str,
    *,
    weights: Path | str | None = None,
    evaluation: str = "canonical",
    batch_size: int = 1,
    seed: int = 0,
) -> Exported:
    """Write the network of ``architecture`` to ``to``: as ONNX (``.onnx``) or as torch.export's program (``.pt2``).

    The file takes float32 images (b, 3, S, S) for any b and gives logits (b, classes). It is loaded again, and its
    outputs are compared with torch's on random images, in batches of 1 and 3; then it appears at ``to``.

    - ``weights``: a safetensors file of ``lambda-arch train`` or ``convert``, which names its architecture (None is
      that one); without it the weights are random, from ``seed``, the norms' too
    - ``evaluation``: of lambda layers: canonical, auto or prepared (the cost model's choice for ``batch_size`` images),
      or one by name such as ``matrix/sum``

    Raises :class:`SetupError` for a missing extra or an evaluation that cannot be exported, :class:`DataError` for
    another ending, unusable weights or a file whose outputs differ, :class:`ArchitectureError` for an invalid name, and
    OSError for a file that cannot be written. Nothing is written then. Returns what was written, and the differences.
    """
    path = Path(to)
    if path.suffix not in FORMATS:
        raise DataError(f"to={to}: expected a file that ends in {' or '.join(FORMATS)}")
    if not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
    if batch_size < 1:
        raise SetupError(f"batch_size={batch_size}: expected a whole number from 1")
    value = parse(architecture) if isinstance(architecture, str) else architecture
    if path.suffix == ".onnx":
        from lambda_arch.interop.onnx_files import check_onnx

        check_onnx()
    import torch

    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        network = _network(value, weights)
        value = network.architecture
        return _write(value, _evaluated(network, evaluation, batch_size, path.suffix), evaluation, path)


def _network(architecture: Architecture | None, weights: Path | str | None) -> "Network":
    from lambda_arch.interop.agreement import randomize_norms
    from lambda_arch.nn import LambdaLayer, build, load

    if weights is None:
        if architecture is None:
            raise DataError("weights=None: expected an architecture, or a file of weights that names its own")
        network = build(architecture)
        randomize_norms(network)
        return network
    loaded = load(weights)
    if isinstance(loaded, LambdaLayer):
        raise DataError(f"{weights}: a single lambda layer; expected a network")
    if architecture is None or architecture == loaded.architecture:
        return loaded
    network = build(architecture)
    try:
        network.load_state_dict(loaded.state_dict())  # as for another image size
    except RuntimeError:
        raise DataError(f"{weights}: holds {loaded.architecture}; expected {architecture}") from None
    return network


def _evaluated(network: "Network", evaluation: str, batch_size: int, suffix: str) -> "nn.Module":
    """Return the network with its evaluation. Raises SetupError for one that a file with ``suffix`` cannot hold."""
    from lambda_arch.nn import prepare, set_evaluation

    result: nn.Module = network.eval()
    if evaluation == "prepared":
        result = prepare(network, batch_size)
    else:
        set_evaluation(network, evaluation, batch_size)
    used = [(path, each.evaluation) for path, each in result.named_modules() if hasattr(each, "evaluation")]
    for path, each in used:
        reason = REFUSED.get((suffix, each.order))
        if reason is not None:
            where = "" if evaluation.startswith(each.order) else f" chose {each} for {path}"
            raise SetupError(f"evaluation={evaluation}:{where or f' {each}'}, {reason}; expected convolution")
    return result


def _write(architecture: Architecture, network: "nn.Module", evaluation: str, path: Path) -> Exported:
    import torch

    from lambda_arch.interop.agreement import agreement

    size = architecture.image_size
    images = torch.randn(2, 3, size, size)
    with atomic_files(path) as temporary:
        write = _onnx if path.suffix == ".onnx" else _program
        written, run = write(network, images, temporary)
        found = tuple(agreement(network, run, batch_size, size) for batch_size in BATCH_SIZES)
        for each in found:
            if not each.error <= TOLERANCE:
                raise DataError(
                    f"to={path}: its outputs differ from torch's by {each.error:.1e} at batch {each.batch_size}; "
                    f"expected at most {TOLERANCE:g}; nothing is written"
                )
        files = list(temporary.parent.iterdir())
        total = sum(file.stat().st_size for file in files)
        beside = next((path.with_name(file.name) for file in files if file.name != temporary.name), None)
    return Exported(architecture, evaluation, path, beside, written, total, found)


def _onnx(network: "nn.Module", images: Any, path: Path) -> "tuple[str, Run]":
    from lambda_arch.interop.onnx_files import run_onnx, write_onnx

    return write_onnx(network, images, path), run_onnx(path)


def _program(network: "nn.Module", images: Any, path: Path) -> "tuple[str, Run]":
    from lambda_arch.interop.program_files import run_program, write_program

    return write_program(network, images, path), run_program(path)
