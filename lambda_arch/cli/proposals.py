"""The flags of ``lambda-arch search`` that propose what to train, train it, and check predictions."""

from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from lambda_arch.cli.interrupts import interruptible, terminable
from lambda_arch.cli.messages import say
from lambda_arch.cli.output import Output
from lambda_arch.cli.parameters import Command, declared, expand
from lambda_arch.cli.progress import progress_bar, watch_cluster
from lambda_arch.errors import LambdaArchError

if TYPE_CHECKING:
    from lambda_arch.searching.proposals import Proposals

TRAINING = ("data", "recipe", "epochs", "limit_images", "trainings", "batch", "halving", "output_folder")
"""Flags of the loop alone."""


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

    study: Annotated[
        str | None,
        Option(help="Add the proposals to an Optuna study: sqlite:///FILE or journal:FILE, #NAME.", metavar="URL"),
    ] = None
    train: Annotated[bool, Option("--train", help="Propose, train and learn, until --trainings are done.")] = False
    data: Annotated[str | None, Option(help="What to train on, as in `train`.", metavar="WHERE")] = None
    recipe: Annotated[str | None, Option(help="How to train, as in `train`.", metavar="NAME|FILE")] = None
    epochs: Annotated[int | None, Option(help="Other epochs than the recipe's.", metavar="N")] = None
    limit_images: Annotated[
        int | None, Option(help="Use at most N images for training and N for validation.", metavar="N")
    ] = None
    trainings: Annotated[
        int | None, Option(help="Networks to train, with those in the store. [default: 40]", metavar="N")
    ] = None
    batch: Annotated[int | None, Option(help="Networks to train before learning again. [default: 4]", metavar="N")] = (
        None
    )
    halving: Annotated[bool, Option("--halving", help="Stop trainings early that do badly, by successive halving.")] = (
        False
    )
    output_folder: Annotated[
        Path | None, Option("--output", help="Where to save runs. [default: runs]", metavar="DIR")
    ] = None

    def asked(self) -> bool:
        """Return whether something other than a front is asked for.

        Raises :class:`LambdaArchError` for flags that say nothing about a front.
        """
        proposes = self.propose is not None
        allowed = {"draws": self.train or proposes, "pairs": self.train or proposes or self.coverage}
        allowed |= {"study": self.train or proposes, **dict.fromkeys(TRAINING, self.train)}
        for name, is_allowed in allowed.items():
            needs = "train" if name in TRAINING else "propose"
            if (value := getattr(self, name)) and not is_allowed:
                raise LambdaArchError(
                    f"{name}={value}: only for a search with {needs}={'True' if needs == 'train' else 'N'}"
                )
        return self.train or self.coverage or self.propose is not None

    def run(self, output: Output, problem: dict[str, Any], others: dict[str, Any], there: dict[str, Any]) -> None:
        """Show what is asked for. ``others``: parameters that only concern fronts; ``there``: the cluster to train on.

        Raises :class:`LambdaArchError` for these, and for what cannot be proposed.
        """
        for name, value in others.items():
            if value and name != "with_published":  # they are the prior
                raise LambdaArchError(f"{name}={value}: only for a front; expected it without propose and coverage")
        if self.coverage:
            from lambda_arch.searching.coverage import coverage
            from lambda_arch.searching.learning import read_evidence
            from lambda_arch.searching.pareto_search import search

            defaults = signature(search).parameters
            for name, value in problem.items():
                if name not in ("accuracy", "store") and value != defaults[name].default:
                    text = ",".join(value) if isinstance(value, list) else value
                    raise LambdaArchError(f"{name}={text}: expected it without coverage=True, which is of runs alone")
            known = read_evidence(problem["accuracy"], pairs=self.pairs, store=problem["store"])
            output.show(coverage(known.posterior))
            return
        if self.train and self.study is not None:
            raise LambdaArchError(f"study={self.study}: only for a search with propose=N; the loop trains by itself")
        if self.train:
            self._train(output, problem, there)
            return
        if self.propose is None or self.propose < 1:
            raise LambdaArchError(f"propose={self.propose}: expected a whole number from 1")
        from lambda_arch.searching.proposals import DRAWS, propose

        if self.study is not None:
            from lambda_arch.searching.studies import check_study

            check_study(self.study)  # before the work, not after it
        draws = DRAWS if self.draws is None else self.draws
        with interruptible() as interruption, progress_bar(1, "draws") as advance:
            found = propose(
                **{**problem, "seed": problem["seed"] or 0},
                count=self.propose,
                draws=draws,
                pairs=self.pairs,
                progress=lambda done, total: advance(1 / total, ""),
            )
        interruption.leave("nothing is kept")
        if self.study is not None:
            from lambda_arch.searching.studies import enqueue

            say(f"{self.study}: {enqueue(self.study, found)} trials added", err=True)
        output.show(found)

    def _train(self, output: Output, problem: dict[str, Any], there: dict[str, Any]) -> None:
        """Run the loop. Raises :class:`LambdaArchError` without data and recipe, or with runs from elsewhere."""
        from lambda_arch.cli.train import leave, training_progress
        from lambda_arch.searching.exploration import explore

        problem = dict(problem)
        if problem.pop("accuracy") not in (None, "store"):
            raise LambdaArchError("accuracy: the loop learns from the runs in the store; expected it without accuracy")
        for name in ("data", "recipe"):
            if getattr(self, name) is None:
                raise LambdaArchError(f"train=True: expected {name}=NAME with it, such as {name}=digits")
        given = {"epochs": self.epochs, "output": self.output_folder, "draws": self.draws}
        given |= {"trainings": self.trainings, "batch": self.batch, "limit_images": self.limit_images}
        problem |= {name: value for name, value in given.items() if value is not None}
        problem |= {"data": self.data, "recipe": self.recipe, "seed": problem["seed"] or 0}
        problem |= {"pairs": self.pairs, "halving": self.halving, "announce": _announce}
        if there:
            from lambda_arch.cluster import explore as explore_there

            with terminable(), watch_cluster("train", quiet=False) as tell:
                found = explore_there(**problem, **there, progress=tell)
        else:
            with training_progress(quiet=False) as show:
                found = explore(**problem, progress=show)
        output.show(found)
        leave(found.status, "the same command continues")


def _announce(proposals: "Proposals") -> None:
    for each in proposals:
        predicted = f"{each.prediction.top1:.2f} ± {each.prediction.interval:.2f} % predicted; "
        figure = predicted if proposals.posterior.knows_level else ""
        say(f"to train: {each.architecture} ({figure}{each.why})", err=True)


def takes_proposals(command: Command) -> Command:
    """Give ``command(..., proposals)`` the flags of proposals."""
    return expand(command, "proposals", declared(ProposalFlags), ProposalFlags)
