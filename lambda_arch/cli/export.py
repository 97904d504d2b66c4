"""``lambda-arch export``."""

from pathlib import Path
from typing import Annotated

import typer

from lambda_arch.cli.architectures import Named, takes_architectures
from lambda_arch.cli.flags import PREPARED, Flags, takes_flags
from lambda_arch.cli.output import Output, takes_output
from lambda_arch.cli.progress import busy
from lambda_arch.errors import ArchitectureError


@takes_architectures
@takes_flags("evaluation", "batch_size", annotations=PREPARED)
@takes_output
def export(
    architectures: Named,
    *,
    to: Annotated[Path, typer.Option("--to", help="The .onnx or .pt2 file to write.", metavar="FILE")],
    weights: Annotated[
        Path | None,
        typer.Option("--weights", help="A safetensors file of train or convert. [default: random]", metavar="FILE"),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Random seed of weights.", metavar="N")] = 0,
    flags: Flags,
    output: Output,
) -> None:
    """Write a network for other programs, as ONNX or torch.export.

    The file takes any batch. It is loaded again, and its outputs are compared with torch's.
    """
    from lambda_arch.interop import export as write

    if len(architectures) > 1:
        raise ArchitectureError(f"{architectures[1]}: expected one architecture to export")
    architecture = None if weights is not None and not architectures.by_user else architectures[0]
    batch_size = flags.arguments(one=True)["batch_size"]
    with busy(f"exporting to {to}"):
        result = write(architecture, to, weights=weights, evaluation=flags.evaluation, batch_size=batch_size, seed=seed)
    output.show(result)
