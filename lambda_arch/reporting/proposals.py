"""Reports of proposals, and of the coverage of intervals."""

from typing import Any

import numpy as np

from lambda_arch.reporting.table import Column, Report, Table, percent
from lambda_arch.searching.coverage import LEVELS, Coverage
from lambda_arch.searching.interactions import Additivity, additivity
from lambda_arch.searching.metrics import Metric
from lambda_arch.searching.part_costs import COUNTED
from lambda_arch.searching.proposals import Proposal, Proposals


def proposals_report(proposals: Proposals) -> Report:
    """Return the next batch to train, one row per network."""
    metrics = proposals.problem.costs.metrics
    rows = [
        {
            "number": i,
            "architecture": str(each.architecture),
            **{metric.name: _shown(metric, each, proposals.posterior.knows_level) for metric in metrics},
            "probability": each.probability,
            "below": each.below,
            "why": each.why,
        }
        for i, each in enumerate(proposals, 1)
    ]
    columns = [Column("number", "#"), *(_column(metric) for metric in metrics)]
    columns += [
        Column("probability", "on the front", show=lambda share: f"{share:.0%}"),
        Column("below", "points below", show=lambda points: f"{points:.2f}", optional=True),
        Column("why", "why", "left"),
        Column("architecture", align="left"),
    ]
    title = f"The next {len(proposals)} networks of {proposals.problem.space.name} to train"
    data = [_data(proposals, each) for each in proposals]
    names = list(data[0]) if data else ["architecture"]
    return Report(
        [Table(columns, rows, title, _notes(proposals))],
        Table([Column(name) for name in names], data),
        {
            "space": proposals.problem.space.name,
            "where": [str(constraint) for constraint in proposals.problem.constraints],
            "draws": proposals.draws,
            "seed": proposals.seed,
            "trained": proposals.trained,
            "pending": proposals.pending,
            "expected_hypervolume": {"before": proposals.before, "after": proposals.after},
            "agreement": {"both": proposals.agreement.both, "worth": proposals.agreement.worth},
            "relative_error": dict(
                zip((m.name for m in proposals.problem.objectives), proposals.error.tolist(), strict=True)
            ),
            "accuracy": proposals.posterior.describe(),
            "proposals": data,
        },
    )


def _notes(proposals: Proposals) -> list[str]:
    where = f"where {', '.join(map(str, proposals.problem.constraints))}; " if proposals.problem.constraints else ""
    agreement = proposals.agreement
    if proposals.error.any():
        worst = ", ".join(
            f"{metric.label} {error:.2%}"
            for metric, error in zip(proposals.problem.objectives, proposals.error, strict=True)
        )
        fronts = f"fronts of {proposals.draws} draws, thinned: worse by at most {worst}"
    else:
        fronts = f"exact fronts of {proposals.draws} draws"
    notes = [
        f"{where}{fronts}, seed {proposals.seed}; {_covered(proposals)}",
        f"two halves of the draws agree on {agreement.both} of {len(proposals)}; the choice of one is worth "
        f"{agreement.worth:.1%} of the other's own",
        proposals.posterior.describe(),
        "on the front: the share of draws; points below: of top-1, under members of the front that cost no more",
    ]
    test = additivity(proposals.posterior.runs)
    if test.is_refuted and not proposals.posterior.has_pairs:
        notes.append(_additivity(test, pairs=False))
    reasons = list(dict.fromkeys(reason for each in proposals for reason in each.prediction.extrapolated))
    if not proposals.posterior.knows_level:
        notes.append("without a run on these data nothing is known of the level of top-1")
    elif reasons:
        notes.append(f"* is extrapolated beyond what the runs have: {', '.join(reasons[:6])}")
    return notes


def _additivity(test: Additivity, pairs: bool) -> str:
    if not test.is_refuted:
        return str(test)
    return f"{test}, {'as this model has it' if pairs else 'which a model with pairs has'}"


def _covered(proposals: Proposals) -> str:
    of_what = "of the front's hypervolume in the mean over the draws"
    if not proposals.trained and not proposals.pending:
        return f"nothing is trained so far, and these cover {proposals.after:.1%} {of_what}"
    under_way = f" and {proposals.pending} under way" if proposals.pending else ""
    before = f"{proposals.trained} trained so far{under_way} cover {proposals.before:.1%} {of_what}"
    return f"{before}, with these {proposals.after:.1%}" if len(proposals) else before


def _column(metric: Metric) -> Column:
    return Column(metric.name, "predicted top-1 (%)" if metric.name == "top1" else metric.heading)


def _shown(metric: Metric, proposal: Proposal, knows_level: bool) -> str:
    text = metric.show(proposal.values[metric.name])
    if metric.name != "top1":
        return text
    if not knows_level:
        return ""
    return f"{text} ± {proposal.prediction.interval:.2f}{'*' if proposal.prediction.extrapolated else ' '}"


def _data(proposals: Proposals, proposal: Proposal) -> dict[str, Any]:
    row: dict[str, Any] = {"architecture": str(proposal.architecture)}
    for metric in proposals.problem.costs.metrics:
        value = proposal.values[metric.name]
        if metric.name == "top1":
            known = proposals.posterior.knows_level
            row["top1_predicted"] = round(value, 4) if known else None
            row["top1_interval"] = round(proposal.prediction.interval, 4) if known else None
        else:
            row[metric.name] = int(value) if metric.name in COUNTED else value
    return row | {
        "probability": proposal.probability,
        "points_below": round(proposal.below, 4),
        "gain": round(proposal.gain, 6),
        "why": proposal.why,
        "extrapolated": " ".join(proposal.prediction.extrapolated),
    }


def coverage_report(coverage: Coverage) -> Report:
    """Return what shares of runs the intervals hold; the flat table has one row per run."""
    levels = [
        {
            "level": level,
            "share": coverage.share(level),
            "inside": sum(each.is_inside(level) for each in coverage.left_out),
            "runs": len(coverage.left_out),
            "width": coverage.width(level),
        }
        for level in LEVELS
    ]
    columns = [
        Column("level", "interval", show=lambda level: f"{level:.0%}"),
        Column("share", "holds", show=lambda share: "" if np.isnan(share) else percent(share)),
        Column("inside", "runs in it"),
        Column("runs"),
        Column("width", "mean width (points)", show=lambda width: "" if np.isnan(width) else f"{width:.2f}"),
    ]
    runs = [
        {
            "architecture": str(each.run.architecture),
            "recipe": each.run.recipe,
            "top1": each.run.top1,
            "top1_predicted": round(each.top1, 4),
            **{
                f"{end}{100 * level:.0f}": round(value, 4)
                for level in LEVELS
                for end, value in zip(("low", "high"), each.intervals[level], strict=True)
            },
        }
        for each in coverage.left_out
    ]
    noise = ", ".join(f"{sd:.2f} points by {name}" for name, sd in coverage.noise.items())
    notes = [
        f"each run is predicted from those of all other architectures: {coverage.source}; "
        f"RMSE {coverage.rmse:.2f} points",
        f"noise of a run: {noise}",
        _additivity(coverage.additivity, coverage.pairs),
    ]
    test = coverage.additivity
    data = {
        "source": coverage.source,
        "rmse": coverage.rmse,
        "coverage": levels,
        "noise": coverage.noise,
        "additivity": {"refuted": test.is_refuted, "f": test.f, "p": test.p, "runs": test.runs, "says": str(test)},
        "pairs": coverage.pairs,
        "runs": runs,
    }
    names = list(runs[0]) if runs else ["architecture"]
    title = "What the intervals of predictions hold"
    return Report([Table(columns, levels, title, notes)], Table([Column(name) for name in names], runs), data)
