"""``lambda-arch memory``."""

from typing import Annotated

from typer import Option

from lambda_arch.cli.architectures import Named, takes_architectures
from lambda_arch.cli.gates import MaxMemory, check_max, read_max
from lambda_arch.cli.output import Output, takes_output
from lambda_arch.costs.backward import read_mode
from lambda_arch.costs.footprint import memory as footprint_of
from lambda_arch.errors import ArchitectureError
from lambda_arch.reporting.footprints import footprints_report, modules_report
from lambda_arch.reporting.sweeps import swept_report
from lambda_arch.units import BYTES


@takes_architectures
@takes_output
def memory(
    architectures: Named,
    *,
    batch_size: Annotated[int | None, Option(help="Images per step. [default: 1]", metavar="N")] = None,
    mode: Annotated[str, Option(help="inference, or train (forward, backward, optimizer).", metavar="MODE")] = (
        "inference"
    ),
    dtype: Annotated[str, Option(help="fp32, or bf16 (autocast).", metavar="DTYPE")] = "fp32",
    evaluation: Annotated[
        str, Option(help="Of lambda layers: canonical, auto, or one by name (matrix/sum).", metavar="NAME")
    ] = "canonical",
    device: Annotated[str, Option(help="cpu or cuda: whose operations are followed.", metavar="DEVICE")] = "cpu",
    optimizer: Annotated[
        str | None,
        Option(
            help="Of a training step: sgd, sgd-momentum, rmsprop, adam or adamw. [default: sgd-momentum]",
            metavar="NAME",
        ),
    ] = None,
    recompute: Annotated[
        bool, Option("--recompute", help="Compute blocks again in the backward pass (activation checkpointing).")
    ] = False,
    fits: Annotated[
        str | None, Option(help="Find the largest batch whose peak is within this, such as 24GB.", metavar="SIZE")
    ] = None,
    modules: Annotated[bool, Option("--modules", help="One row per module.")] = False,
    maximum: MaxMemory = None,
    output: Output,
) -> None:
    """Compute the memory of a step before it is run.

    It is that of weights, gradients, the optimizer, activations and temporaries.
    """
    limit = read_max(maximum, BYTES, "24GB")
    if modules and len(architectures) > 1:
        raise ArchitectureError(f"{architectures[1]}: expected one architecture with modules=True")
    if fits is not None and batch_size is not None:
        raise ArchitectureError(f"fits={fits}: finds the batch size; expected it without batch_size={batch_size}")
    if optimizer is not None and read_mode(mode) != "train":
        raise ArchitectureError(f"optimizer={optimizer}: inference has none; expected it with mode=train")
    found = [
        footprint_of(
            each,
            batch_size=1 if batch_size is None else batch_size,
            mode=read_mode(mode),
            dtype=dtype,
            evaluation=evaluation,
            device=device,
            optimizer=optimizer or "sgd-momentum",
            recompute=recompute,
            fits=fits,
        )
        for each in architectures
    ]
    report = modules_report(found[0]) if modules else footprints_report(found)
    output.show(swept_report(report, architectures.swept))
    check_max({each.architecture: each.peak for each in found}, limit, "bytes at the peak")
