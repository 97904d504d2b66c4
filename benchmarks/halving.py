"""What successive halving saves in the loop, on the table of real trainings (``trained_space``).

    python -m benchmarks.halving [--seeds 5] [--trainings 24]

The loop runs as ``search --train`` does, with and without ``--halving``, and looks trainings up in the table, epoch by
epoch. Scored is the hypervolume of what it trained to the end, as in ``loop``.
"""

import argparse
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from benchmarks.loop import curve
from benchmarks.loop_searches import DRAWS
from benchmarks.loop_truths import Trained
from benchmarks.trained_space import EPOCHS, RECIPE, data, read_table, space
from lambda_arch import Store, explore, parse
from lambda_arch.searching.exploration import Exploration
from lambda_arch.searching.halving import rungs
from lambda_arch.store.runs import Run, keep_run
from lambda_arch.training import Data, NamedRecipe, RunStatus

HISTORIES = {
    row["architecture"]: [{"top1": float(row[epoch])} for epoch in EPOCHS] for row in read_table() if row["seed"] == "0"
}


def look_up(
    architectures: Sequence[str],
    data: Data,
    recipe: NamedRecipe,
    *,
    seed: int,
    store: Path,
    stop_epoch: int | None,
    **_: object,
) -> SimpleNamespace:
    """Keep in the store what training these architectures gave, up to ``stop_epoch``."""
    end = stop_epoch or len(EPOCHS)
    status = RunStatus.FINISHED if end == len(EPOCHS) else RunStatus.STOPPED
    with Store(store) as opened:
        opened.insert("machine", {"fingerprint": "f", "device_name": "a table", "description": {}}, known="IGNORE")
        for name in architectures:
            settings, history = recipe.recipe.as_dict(), HISTORIES[name][:end]
            known = (name, recipe.name, settings, data.name, data.digest, seed, {}, "f", "2026", status, history, "/")
            keep_run(opened, Run(*known))
    return SimpleNamespace(status=status)


def loop(seed: int, trainings: int, halving: bool) -> Exploration:
    """Return what comes of the loop."""
    with tempfile.TemporaryDirectory() as folder:
        return explore(
            space(), data(), "digits", trainings=trainings, batch=4, draws=DRAWS, seed=seed, halving=halving,
            store=Path(folder) / "runs.db", train=look_up, **RECIPE,
        )  # fmt: skip


def main() -> None:
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--trainings", type=int, default=24)
    asked = parser.parse_args()
    truth = Trained(0)
    print(f"Medians (quartiles) of {asked.seeds} seeds; {asked.trainings} trainings of {len(EPOCHS)} epochs.\n")
    print("| loop | runs stopped early | epochs | saved | hypervolume of finished networks |")
    print("|:---|---:|---:|---:|---:|")
    for halving in (False, True):
        rows = []
        for seed in range(asked.seeds):
            found = loop(seed, asked.trainings, halving)
            spent = len(EPOCHS) * found.counted - (found.saved.epochs if found.saved else 0)
            networks = [parse(each.architecture) for each in found.trained]
            share = curve(truth, networks, len(networks))[-1]
            rows.append((found.counted - len(networks), spent, 1 - spent / (len(EPOCHS) * found.counted), share))
        low, middle, high = np.quantile(np.array(rows), (0.25, 0.5, 0.75), axis=0)
        formats = ("{:.0f}", "{:.0f}", "{:.0%}", "{:.1%}")
        cells = [
            f.format(m) + f" ({f.format(a)} to {f.format(b)})"
            for f, a, m, b in zip(formats, low, middle, high, strict=True)
        ]
        print(f"| {'with' if halving else 'without'} halving | " + " | ".join(cells) + " |", flush=True)
    ranks = np.array([[epoch["top1"] for epoch in history] for history in HISTORIES.values()]).argsort(axis=0)
    ranks = ranks.argsort(axis=0)
    for rung in rungs(len(EPOCHS)):
        print(f"\nRank correlation after epoch {rung} and at the end, all {len(ranks)} networks: "
              f"{np.corrcoef(ranks[:, rung - 1], ranks[:, -1])[0, 1]:.2f}")  # fmt: skip


if __name__ == "__main__":
    main()
