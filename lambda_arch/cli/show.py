"""``lambda-arch show``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from lambda_arch.arch import Architecture, ArchitectureError, did_you_mean
from lambda_arch.cli.architectures import takes_architectures
from lambda_arch.cli.output import Format, Out, emit
from lambda_arch.cli.setups import StorePath, open_store
from lambda_arch.costs import count
from lambda_arch.reporting import Report
from lambda_arch.reporting.ledgers import ledger_report

if TYPE_CHECKING:
    from lambda_arch.nn import Network

EVALUATION_HELP = (
    "How lambda layers are computed, and the MACs that execute: auto (a cost model's choice), measured (timed once on "
    "this device), or canonical, convolution, matrix, queries_first, fft."
)


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command()(takes_architectures(show))


def show(
    architectures: list[Architecture],
    evaluation: Annotated[str | None, typer.Option(help=EVALUATION_HELP, metavar="NAME")] = None,
    batch: Annotated[int | None, typer.Option(help="Images at a time, with --evaluation. [default: 1]")] = None,
    device: Annotated[
        Literal["cpu", "cuda"] | None, typer.Option(help="Where they run, with --evaluation. [default: cpu]")
    ] = None,
    store: StorePath = None,
    format: Format = None,  # noqa: A002
    out: Out = None,
) -> None:
    """Show the ledger: a row a module, with its output's shape, parameters, MACs and share of the total."""
    if len(architectures) > 1:
        raise ArchitectureError(f"{architectures[1]}: expected one architecture to show")
    if evaluation is None:
        for name, value in (("batch", batch), ("device", device), ("store", store)):
            if value is not None:
                raise ArchitectureError(f"--{name} {value}: expected it with --evaluation, such as --evaluation auto")
        emit(ledger_report(count(architectures[0])), format, out)
    else:
        batch = 1 if batch is None else batch
        emit(_evaluations(architectures[0], evaluation, batch, device or "cpu", store), format, out)


def _evaluations(architecture: Architecture, evaluation: str, batch: int, device: str, store: Path | None) -> Report:
    if batch < 1:
        raise ArchitectureError(f"--batch {batch}: expected a whole number from 1")
    if "L" not in architecture.letters:
        raise ArchitectureError(f"{architecture}: expected lambda layers, such as lambda_resnet50")
    from lambda_arch.nn import build, plans, set_evaluation
    from lambda_arch.reporting.evaluations import evaluation_report

    if evaluation == "measured":
        network = _measured(architecture, batch, device, store)
    else:
        network = build(architecture, device="meta")
        try:
            set_evaluation(network, evaluation, batch, device)
        except ValueError as error:
            if evaluation == "prepared":
                raise ArchitectureError(
                    "--evaluation prepared: is for `lambda-arch time`; expected auto, measured or an order here"
                ) from None
            close = did_you_mean(evaluation, ("auto", "measured"))
            raise ArchitectureError(f"{error}{close or '; or auto, or measured'}") from None
    return evaluation_report(count(architecture), plans(network, batch))


def _measured(architecture: Architecture, batch: int, device: str, store: Path | None) -> "Network":
    from lambda_arch.cli.progress import track
    from lambda_arch.nn import build, check_device
    from lambda_arch.timing.autotune import autotune

    check_device(device)
    network = build(architecture, device=device).eval()
    with open_store(store) as opened:
        autotune(
            network,
            batch,
            store=opened,
            progress=lambda problems: track(problems, len(problems), "measuring evaluations"),
        )
    return network
