"""The loop against other searches with the same number of trained networks, on simulated truths and real trainings.

python -m benchmarks.loop [--seeds 5] [--trainings 32] [--batch 4] [--truth NAME ...] [--search NAME ...]
                          [--curves curves.npz] [--plot docs/images/loop_hypervolume.svg]

A training is a look at a truth (see ``loop_truths``): the mean accuracy of an architecture plus the noise of a run.
Four truths are simulated on the space ``stages`` (MACs against top-1): additive, near the published weights; with
interactions of neighbouring stages; with heavy noise; and one whose weights contradict the published ones. The fifth is
a table of real trainings (``trained_space``). A network that a search asks for again is not trained again and does not
count. Every search is scored by the hypervolume of the *true* accuracies of what it trained, as a share of that of the
true front. ``--curves`` keeps all curves and prints and draws those that it has; what it lacks is run.
"""

import argparse
import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from benchmarks.loop_searches import SEARCHES, Search
from benchmarks.loop_truths import TRUTHS, Truth, make_truth
from lambda_arch.arch import ResNet

REPEATS = 10
"""How often a search may ask, as a multiple of the networks to train: some ask for the same networks again."""

Curves = dict[tuple[str, str], np.ndarray]
"""By truth and search: seeds x trainings."""


def networks(search: Search, truth: Truth, trainings: int, batch: int, seed: int) -> list[ResNet]:
    """Return what a search trains, at most ``trainings`` networks."""
    found: dict[ResNet, None] = {}
    for asked, each in enumerate(search(truth, batch, seed), 1):
        found[each] = None
        if len(found) == trainings or asked == REPEATS * trainings:
            break
    return list(found)


def curve(truth: Truth, trained: list[ResNet], trainings: int) -> np.ndarray:
    """Return the share of the true front's hypervolume after each training."""
    import moocore

    reference = truth.reference()
    whole = moocore.hypervolume(truth.front(), ref=reference)
    points = np.array([[np.log(truth.macs(each)), -truth.mean(each)] for each in trained])
    found = [moocore.hypervolume(points[: i + 1], ref=reference) / whole for i in range(len(points))]
    return np.array(found + [found[-1]] * (trainings - len(found)))


def main() -> None:
    """Run all searches on all truths."""
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--trainings", type=int, default=32)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--truth", action="append", choices=TRUTHS, help="only this truth; can be repeated")
    parser.add_argument("--search", action="append", choices=list(SEARCHES), help="only this search; can be repeated")
    parser.add_argument("--curves", type=Path, help="read and keep the curves in this file")
    parser.add_argument("--plot", type=Path)
    asked = parser.parse_args()
    curves = read_curves(asked.curves)
    looks = [n for n in dict.fromkeys((asked.batch, 8, 12, 20, asked.trainings)) if n <= asked.trainings]
    print(f"Share of the true front's hypervolume, median (quartiles) of {asked.seeds} seeds; MACs and top-1.\n")
    print("| truth | search | " + " | ".join(f"{n} trainings" for n in looks) + " |")
    print("|:---|:---|" + "---:|" * len(looks))
    for truth in asked.truth or TRUTHS:
        for search in asked.search or SEARCHES:
            values = curves.get((truth, search))
            if values is None or values.shape != (asked.seeds, asked.trainings):
                found = []
                for seed in range(asked.seeds):
                    fresh = make_truth(truth, seed)
                    trained = networks(SEARCHES[search], fresh, asked.trainings, asked.batch, seed)
                    found.append(curve(fresh, trained, asked.trainings))
                values = curves[truth, search] = np.array(found)
                if asked.curves is not None:
                    np.savez(asked.curves, **{"/".join(key): each for key, each in curves.items()})
            low, middle, high = np.quantile(values, (0.25, 0.5, 0.75), axis=0)
            cells = [f"{middle[n - 1]:.1%} ({low[n - 1]:.1%} to {high[n - 1]:.1%})" for n in looks]
            print(f"| {truth} | {search} | " + " | ".join(cells) + " |", flush=True)
    if asked.plot is not None:
        draw(curves, asked.plot)


def read_curves(path: Path | None) -> Curves:
    """Return the curves kept in a file; none where there is no file."""
    if path is None or not path.exists():
        return {}
    with np.load(path) as kept:
        return {tuple(key.split("/")): kept[key] for key in kept.files}


def draw(curves: Mapping[tuple[str, str], np.ndarray], path: Path) -> None:
    """Draw medians and quartiles over trainings, a panel a truth."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from lambda_arch.reporting.plots.image import STYLE
    from lambda_arch.reporting.plots.plot import COLOURS

    truths = [truth for truth in TRUTHS if any(key[0] == truth for key in curves)]
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(6.6, 2.1 * -(-len(truths) // 2) + 0.3), layout="constrained")
        FigureCanvasAgg(figure)
        panels = figure.subplots(-(-len(truths) // 2), 2, sharex=True, sharey=True, squeeze=False).flat
        for axes, truth in zip(panels, truths, strict=False):
            for colour, search in zip(COLOURS, SEARCHES, strict=True):
                if (truth, search) in curves:
                    low, middle, high = np.quantile(curves[truth, search], (0.25, 0.5, 0.75), axis=0)
                    number = np.arange(1, len(middle) + 1)
                    axes.plot(number, middle, color=colour, linewidth=0.9, label=search)
                    axes.fill_between(number, low, high, color=colour, alpha=0.12, linewidth=0)
            axes.set_title(truth)
            axes.tick_params(labelbottom=True)
            axes.grid(alpha=0.25, linewidth=0.5)
            axes.set_axisbelow(True)
        for axes in panels[len(truths) :]:
            axes.set_axis_off()
        named = {label: line for axes in panels for line, label in zip(*axes.get_legend_handles_labels(), strict=True)}
        where = {"loc": "center"} if len(truths) % 2 else {"loc": "outside lower center", "ncols": 4}
        (panels[len(truths)] if len(truths) % 2 else figure).legend(named.values(), named, frameon=False, **where)
        figure.supxlabel("trained networks", fontsize=7)
        figure.supylabel("hypervolume / that of the true front", fontsize=7)
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


if __name__ == "__main__":
    main()
