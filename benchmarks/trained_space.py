"""A table of real trainings: every network of a small space, which searches can then look up instead of training.

    OMP_NUM_THREADS=1 python -m benchmarks.trained_space [--seeds 0 1 ...] [--output benchmarks/trained_space.csv]

The space is ``trained_space.toml``; the task joins what is far apart (see ``digit_pairs``). A row is the accuracy of a
network and a seed after each epoch. What the file has is not trained again, so the command can be interrupted and
repeated; without the file it makes the whole table.
"""

import argparse
import csv
import io
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from lambda_arch import count, train
from lambda_arch.files import atomic_write
from lambda_arch.searching.search_space import Space
from lambda_arch.searching.space_file import read_space
from lambda_arch.training import Data, load_data
from lambda_arch.training.data import Subset

FOLDER = Path(__file__).parent
TABLE = FOLDER / "trained_space.csv"
DATA = "digit-pairs:3"
IMAGES, VAL_IMAGES = 640, 300
RECIPE = {
    "epochs": 4,
    "batch_size": 32,
    "lr": 3e-3,
    "warmup_epochs": 0.5,
    "amp": "bf16",
    "crop": "none",
    "smoothing": 0.0,
}
EPOCHS = (*(f"top1_{epoch}" for epoch in range(1, RECIPE["epochs"])), "top1")
COLUMNS = ("architecture", "params", "macs", "seed", *EPOCHS, "seconds", "device")


def space() -> Space:
    """Return the space."""
    return read_space(str(FOLDER / "trained_space.toml"))


def read_table(path: Path = TABLE) -> list[dict[str, str]]:
    """Return the rows of a table, none where there is no file."""
    if not path.exists():
        return []
    with path.open() as file:
        return list(csv.DictReader(file))


def data() -> Data:
    """Return the task: a part of the pairs of digits below three."""
    whole = load_data(DATA)
    return replace(whole, train=Subset.of(whole.train, IMAGES), val=Subset.of(whole.val, VAL_IMAGES))


def train_missing(rows: list[dict[str, str]], seeds: list[int]) -> Iterator[dict[str, str]]:
    """Train what ``rows`` lack, in random order within a seed, and yield its rows."""
    task, done = data(), {(row["architecture"], row["seed"]) for row in rows}
    for seed in seeds:
        networks = sorted(space().architectures(), key=str)
        for i in np.random.default_rng(seed).permutation(len(networks)):
            architecture = networks[i]
            if (str(architecture), str(seed)) in done:
                continue
            begin = time.process_time()
            with tempfile.TemporaryDirectory() as folder:
                store = Path(folder) / "runs.db"
                run = train(
                    architecture, task, "digits", seed=seed, channels_last=True, output=folder, store=store, **RECIPE
                )[0]
            if run.status != "finished":
                sys.exit(f"{run.architecture}: {run.status}; the same command goes on from here")
            costs = count(architecture)
            yield {
                "architecture": run.architecture,
                "params": str(costs.params),
                "macs": str(costs.macs),
                "seed": str(seed),
                **{column: f"{epoch.top1:.1f}" for column, epoch in zip(EPOCHS, run.epochs, strict=True)},
                "seconds": f"{time.process_time() - begin:.1f}",
                "device": f"{run.device}, OMP_NUM_THREADS={os.environ.get('OMP_NUM_THREADS', 'unset')}",
            }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--output", type=Path, default=TABLE)
    asked = parser.parse_args()
    rows = read_table(asked.output)
    for row in train_missing(rows, asked.seeds):
        rows.append(row)
        text = io.StringIO()
        out = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        out.writeheader()
        out.writerows(sorted(rows, key=lambda each: (each["seed"], float(each["macs"]), each["architecture"])))
        atomic_write(asked.output, text.getvalue())
        print(", ".join(row.values()), flush=True)


if __name__ == "__main__":
    main()
