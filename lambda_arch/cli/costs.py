"""``lambda-arch params`` and ``lambda-arch flops``."""

from typing import TYPE_CHECKING, Annotated

from typer import Option

from lambda_arch.cli.architectures import Named, check_inputs, takes_networks
from lambda_arch.cli.gates import MaxFlops, MaxParams, check_max, read_max
from lambda_arch.cli.output import Output, takes_output
from lambda_arch.costs import Ledger, count
from lambda_arch.costs.backward import Mode, read_mode
from lambda_arch.errors import SetupError
from lambda_arch.interop.references import Reference
from lambda_arch.reporting import Report
from lambda_arch.reporting.ledgers import costs_report, totals_report
from lambda_arch.reporting.sweeps import swept_report

if TYPE_CHECKING:
    from lambda_arch.interop.counting import ModuleLedger


@takes_networks
@takes_output
def params(*, architectures: Named, maximum: MaxParams = None, output: Output) -> None:
    """Count parameters and compare them with published figures."""
    limit = read_max(maximum)
    ledgers = _counted(architectures, run=False)
    output.show(_costs(architectures, ledgers, "params", output))
    check_max({each.architecture: each.params for each in ledgers}, limit, "parameters")


@takes_networks
@takes_output
def flops(
    *,
    architectures: Named,
    mode: Annotated[
        str, Option(help="inference, or train (forward and backward pass of a training step).", metavar="MODE")
    ] = "inference",
    maximum: MaxFlops = None,
    output: Output,
) -> None:
    """Count multiply-accumulates (MACs) and FLOPs per stage."""
    limit = read_max(maximum, example="8.2G")
    known = read_mode(mode)
    ledgers = _counted(architectures, mode=known)
    output.show(_costs(architectures, ledgers, "macs", output))
    check_max({each.architecture: each.flops or 0 for each in ledgers}, limit, "FLOPs")


def _counted(networks: Named, *, mode: Mode = "inference", run: bool = True) -> "list[Ledger | ModuleLedger]":
    """Return the ledger of each network; modules of any kind are run by two counters if ``run``."""
    check_inputs(networks)
    ledgers: list[Ledger | ModuleLedger] = []
    for each in networks:
        if isinstance(each, Reference):
            if mode != "inference":
                raise SetupError(f"mode={mode}: counts architectures by name alone; {each.call} is a module")
            from lambda_arch.interop.counting import count_reference

            ledgers.append(count_reference(each, run=run))
        else:
            ledgers.append(count(each, mode=mode))
    return ledgers


def _costs(architectures: Named, ledgers: "list[Ledger | ModuleLedger]", quantity: str, output: Output) -> Report:
    named = [each for each in ledgers if isinstance(each, Ledger)]
    if len(named) < len(ledgers):
        from lambda_arch.reporting.modules import networks_report

        return swept_report(networks_report(ledgers, quantity), architectures.swept)
    if architectures.swept:
        return swept_report(totals_report(named), architectures.swept)
    tables = {}
    if output.for_people and named[0].mode == "inference":
        from lambda_arch.reporting.published import published_table

        tables = {str(each): table for each in architectures if (table := published_table(each, quantity))}
    return costs_report(named, quantity, tables)
