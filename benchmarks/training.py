"""The training loop beside a bare one, and evaluations of the lambda layers beside each other.

    python -m benchmarks.training overhead --rounds 5
    python -m benchmarks.training evaluations --rounds 5

Both measure in interleaved rounds, in one process: the ratio is the median of those within rounds, so that other load
on the machine hits all alike. CSV goes to stdout.
"""

import argparse
import csv
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from types import SimpleNamespace

import torch
from torch import nn

from lambda_arch import build, parse, train
from lambda_arch.nn import set_evaluation
from lambda_arch.training import Data, Recipe, load_data, loop
from lambda_arch.training.batches import TrainingBatches
from lambda_arch.training.seeds import seed_of

CLOCKS = {"wall": perf_counter, "cpu": process_time}
NETWORKS = ("lambda_resnet26:m=7,classes=10@32", "lambda_mobilenet:layers=CCCCCCL-----C-,classes=10@32")


def bare(name: str, data: Data, recipe: Recipe, evaluation: str = "auto") -> Callable[[], None]:
    """Return an epoch as one would write it by hand: the same batches, network, loss, optimizer and schedule."""
    torch.manual_seed(seed_of(0, "weights"))
    network = build(name)
    set_evaluation(network, evaluation, recipe.batch_size, training=True)
    optimizer = torch.optim.AdamW(network.parameters(), recipe.lr, weight_decay=recipe.weight_decay)
    source = TrainingBatches(data.train, parse(name).image_size, recipe.batch_size, 0)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, source.steps)
    mean, std = (torch.tensor(each).view(1, 3, 1, 1) for each in (data.mean, data.std))

    def epoch() -> None:
        network.train()
        for step in range(source.steps):
            batch = source[0, step]
            loss = nn.functional.cross_entropy(network((batch.images / 255 - mean) / std), batch.labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()

    return epoch


def overhead(arguments: argparse.Namespace) -> None:
    """Print seconds an epoch by hand and by ``train``, without validation and checkpoints, and their ratio."""
    data = load_data("digits", limit_images=arguments.limit_images)
    recipe = Recipe(epochs=1, batch_size=64, opt="adamw", lr=1e-3, weight_decay=0.05)
    now = CLOCKS[arguments.clock]
    loop.time = SimpleNamespace(perf_counter=now)  # type: ignore[assignment]  what its epochs are timed by
    out = writer("network", "rounds", "bare_seconds", "train_seconds", "ratio", "waiting")
    for name in NETWORKS:
        by_hand = bare(name, data, recipe)
        rows = []
        for number in range(arguments.rounds + 1):
            start = now()
            by_hand()
            took = now() - start
            with tempfile.TemporaryDirectory() as folder:
                run = train(name, data, recipe, output=folder, store=Path(folder) / "s.db")[0]
            if number:
                rows.append((took, run.epochs[0].seconds, run.epochs[0].waiting))
        ratio = median(ours / theirs for theirs, ours, _ in rows)
        columns = [median(column) for column in zip(*rows, strict=True)]
        out.writerow([name, len(rows), f"{columns[0]:.3f}", f"{columns[1]:.3f}", f"{ratio:.4f}", f"{columns[2]:.4f}"])


def evaluations(arguments: argparse.Namespace) -> None:
    """Print seconds an epoch with the evaluation that training uses, and with the canonical one."""
    data = load_data("digits", limit_images=arguments.limit_images)
    recipe = Recipe(epochs=1, batch_size=64, opt="adamw", lr=1e-3, weight_decay=0.05)
    now = CLOCKS[arguments.clock]
    out = writer("network", "rounds", "auto_seconds", "canonical_seconds", "ratio")
    for name in ("lambda_resnet26:m=7,classes=10@32", "lambda_resnet26:classes=10@64"):
        epochs = [bare(name, data, recipe, evaluation) for evaluation in ("auto", "canonical")]
        rows = []
        for number in range(arguments.rounds + 1):
            seconds = []
            for epoch in epochs:
                start = now()
                epoch()
                seconds.append(now() - start)
            if number:
                rows.append(seconds)
        ratio = median(canonical / auto for auto, canonical in rows)
        columns = [median(column) for column in zip(*rows, strict=True)]
        out.writerow([name, len(rows), *(f"{value:.3f}" for value in columns), f"{ratio:.3f}"])


def writer(*columns: str):  # type: ignore[no-untyped-def]
    """Return a CSV writer to stdout, its heading written."""
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(columns)
    return out


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("overhead", "evaluations"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--clock", choices=tuple(CLOCKS), default="wall")
    parser.add_argument("--limit-images", type=int)
    given = parser.parse_args()
    {"overhead": overhead, "evaluations": evaluations}[given.what](given)
