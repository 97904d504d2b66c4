"""The flags of ``lambda-arch search`` that propose what to train, and check how much predictions can be relied on."""

from dataclasses import dataclass
from typing import Annotated, Any

from typer import Option

from lambda_arch.cli.interrupts import interruptible
from lambda_arch.cli.output import Output
from lambda_arch.cli.parameters import Command, declared, expand
from lambda_arch.cli.progress import progress_bar
from lambda_arch.errors import LambdaArchError


@dataclass(frozen=True)
class ProposalFlags:
    """Flags of proposals, and of the accuracy model that they rest on."""

    propose: Annotated[int | None, Option(help="Propose the next N networks to train.", metavar="N")] = None
    draws: Annotated[
        int | None, Option(help="Draws of the accuracy model for --propose. [default: 64]", metavar="N")
    ] = None
    pairs: Annotated[
        bool, Option("--pairs", help="Predict with interactions of neighbouring stages, for --propose and --coverage.")
    ] = False
    coverage: Annotated[
        bool, Option("--coverage", help="Show how often the intervals of predictions hold runs that were left out.")
    ] = False

    def asked(self) -> bool:
        """Return whether something other than a front is asked for.

        Raises :class:`LambdaArchError` for flags that say nothing about a front.
        """
        if self.coverage or self.propose is not None:
            return True
        for name, value in {"draws": self.draws, "pairs": self.pairs or None}.items():
            if value is not None:
                raise LambdaArchError(f"{name}={value}: only with propose=N{' or coverage=True' * (name == 'pairs')}")
        return False

    def run(self, output: Output, problem: dict[str, Any], others: dict[str, Any]) -> None:
        """Show what is asked for. ``others``: parameters that only concern fronts.

        Raises :class:`LambdaArchError` for these, and for what cannot be proposed.
        """
        for name, value in others.items():
            if value and name != "with_published":  # they are the prior
                raise LambdaArchError(f"{name}={value}: only for a front; expected it without propose and coverage")
        if self.coverage:
            from lambda_arch.searching.coverage import coverage
            from lambda_arch.searching.learning import posterior_of

            output.show(coverage(posterior_of(problem["accuracy"], pairs=self.pairs, store=problem["store"])[0]))
            return
        if self.propose is None or self.propose < 1:
            raise LambdaArchError(f"propose={self.propose}: expected a whole number from 1")
        from lambda_arch.searching.proposals import DRAWS, propose

        draws = DRAWS if self.draws is None else self.draws
        with interruptible() as interruption, progress_bar(1, "draws") as advance:
            found = propose(
                **{**problem, "seed": problem["seed"] or 0},
                count=self.propose,
                draws=draws,
                pairs=self.pairs,
                progress=lambda done, total: advance(1 / total, ""),
            )
        interruption.leave()
        output.show(found)


def takes_proposals(command: Command) -> Command:
    """Give ``command(..., proposals)`` the flags of proposals."""
    return expand(command, "proposals", declared(ProposalFlags), ProposalFlags)
