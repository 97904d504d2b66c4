"""``lambda-arch show``."""

from typing import TYPE_CHECKING, Annotated

import typer

from lambda_arch.arch import Architecture
from lambda_arch.arch.evaluation import ORDERS
from lambda_arch.cli.architectures import Named, check_inputs, takes_networks
from lambda_arch.cli.flags import Flags, takes_flags
from lambda_arch.cli.output import Output, takes_output
from lambda_arch.cli.plots import Plotted, takes_plot
from lambda_arch.cli.progress import track
from lambda_arch.costs import count
from lambda_arch.costs.backward import read_mode
from lambda_arch.errors import ArchitectureError, SetupError, did_you_mean
from lambda_arch.interop.references import Reference
from lambda_arch.reporting import Report
from lambda_arch.reporting.ledgers import ledgers_report
from lambda_arch.reporting.sweeps import swept_report
from lambda_arch.results import Result

if TYPE_CHECKING:
    from lambda_arch.nn import Network
    from lambda_arch.store import Setup

EVALUATION_HELP = (
    "Show how lambda layers are computed and the MACs executed: auto (by a cost model), measured (timed once on this "
    f"device), or {', '.join(ORDERS)}."
)


@takes_networks
@takes_flags("batch_size", "device", "store")
@takes_plot
@takes_output
def show(
    architectures: Named,
    *,
    mode: Annotated[
        str | None, typer.Option(help="inference, or train (forward and backward pass).", metavar="MODE")
    ] = None,
    evaluation: Annotated[str | None, typer.Option(help=EVALUATION_HELP, metavar="NAME")] = None,
    flags: Flags,
    plotted: Plotted,
    output: Output,
) -> None:
    """Show the ledger of costs, one row per module.

    Each row has the module's output shape, parameters, MACs and share of the total.
    """
    several = len(architectures) > 1
    if several and (evaluation is not None or plotted.plot is not None or Reference in map(type, architectures)):
        raise ArchitectureError(f"{architectures[1]}: expected one architecture to show")
    check_inputs(architectures)
    if isinstance(architectures[0], Reference):
        output.show(_module(architectures[0], evaluation or mode, flags))
        return
    if evaluation is not None and mode is not None:
        raise SetupError(f"mode={mode}: counts the canonical evaluation; expected it without evaluation={evaluation}")
    if evaluation is not None:
        if plotted.plot is not None:
            raise SetupError(f"plot={plotted.plot}: expected it without evaluation={evaluation}")
        output.show(_evaluations(architectures[0], evaluation, flags))
        return
    for name in ("batch_size", "device", "store"):
        value = getattr(flags, name)
        if value != getattr(Flags(), name):
            raise SetupError(f"{name}={value}: expected it with evaluation=NAME, such as evaluation=auto")
    ledgers = [count(each, mode=read_mode(mode or "inference")) for each in architectures]
    if several:
        output.show(swept_report(ledgers_report(ledgers), architectures.swept))
        return
    ledger = ledgers[0]
    plotted.show(output, ledger)


def _module(reference: Reference, asked: str | None, flags: Flags) -> Result:
    """Return the ledger of a module of any kind, which has no evaluations and no costs of training."""
    if asked is not None or flags != Flags():
        raise SetupError(f"{reference.call}: a module of any kind; expected input=SHAPE alone with it")
    from lambda_arch.interop.counting import count_reference

    return count_reference(reference)


def _evaluations(architecture: Architecture, evaluation: str, flags: Flags) -> Report:
    setup = flags.setup()
    if "L" not in architecture.letters:
        raise ArchitectureError(f"{architecture}: expected lambda layers, such as lambda_resnet50")
    from lambda_arch.nn import build, plans, set_evaluation
    from lambda_arch.reporting.evaluations import evaluation_report

    if evaluation == "measured":
        network = _measured(architecture, setup, flags)
    else:
        network = build(architecture, device="meta")
        try:
            set_evaluation(network, evaluation, setup.batch_size, setup.kind)
        except ValueError as error:
            if evaluation == "prepared":
                raise ArchitectureError(
                    "evaluation=prepared: is for `lambda-arch time`; expected auto, measured or an order here"
                ) from None
            close = did_you_mean(evaluation, ("auto", "measured"))
            raise ArchitectureError(f"{error}{close or '; or measured'}") from None
    return evaluation_report(count(architecture), plans(network, setup.batch_size))


def _measured(architecture: Architecture, setup: "Setup", flags: Flags) -> "Network":
    from lambda_arch.nn import build, check_device
    from lambda_arch.timing import autotune

    check_device(setup.device)
    network = build(architecture, device=setup.device).eval()
    with flags.open_store() as opened:
        autotune(
            network,
            setup.batch_size,
            store=opened,
            progress=lambda problems: track(problems, len(problems), "measuring evaluations"),
        )
    return network
