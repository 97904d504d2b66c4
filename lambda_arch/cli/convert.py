"""``lambda-arch convert``."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from lambda_arch.cli.messages import say
from lambda_arch.errors import DataError

MOST_LINES = 10
"""Leftover tensors that are named on the terminal."""
LayoutName = Literal["d-li14", "lucidrains", "leaderj1001", "lambda-mobilenets", "timm"]


def convert(
    *,
    checkpoint: Annotated[
        Path, typer.Argument(help="A checkpoint written by torch.save or safetensors.", metavar="CHECKPOINT")
    ],
    layout: Annotated[LayoutName, typer.Option("--from", help="The code base that wrote it.")],
    to: Annotated[Path, typer.Option("--to", help="The safetensors file to write.", metavar="FILE")],
    architecture: Annotated[
        str | None,
        typer.Option("--architecture", help="The architecture, if the tensors do not tell it.", metavar="NAME"),
    ] = None,
    image_size: Annotated[
        int | None,
        typer.Option("--image-size", help="Side of the square image, which the tensors do not tell.", metavar="N"),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Write what fits even if tensors are left over or not finite.")
    ] = False,
    report: Annotated[
        Path | None, typer.Option("--report", help="Write a line per leftover tensor to this file.", metavar="FILE")
    ] = None,
) -> None:
    """Convert trained weights of other code to our networks.

    The network computes the same outputs.
    """
    from lambda_arch.files import atomic_write
    from lambda_arch.nn import convert as convert_checkpoint
    from lambda_arch.nn import to_safetensors

    if to.suffix != ".safetensors":
        raise DataError(f"to={to}: expected a file that ends in .safetensors")
    done = convert_checkpoint(checkpoint, layout, architecture=architecture, image_size=image_size)
    lines = list(done.leftovers.lines())
    if report is not None:
        atomic_write(report, "".join(f"{line}\n" for line in lines))
    for line in lines[:MOST_LINES]:
        say(line, err=True)
    if len(lines) > MOST_LINES:
        where = f"in {report}" if report is not None else "with --report FILE"
        say(f"and {len(lines) - MOST_LINES:,} more; all {where}", err=True)
    if done.leftovers and not force:
        raise DataError(
            f"{checkpoint} as {done.name}: tensors {done.leftovers}; nothing is written, --force writes what fits"
        )
    atomic_write(to, to_safetensors(done.module))
    say(f"{to}: {done.name}")
