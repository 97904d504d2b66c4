"""Lambda layers beside convolutions of about the same cost, on a task that joins what is far apart.

    python -m benchmarks.digit_pairs train --output runs
    lambda-arch runs --long --store runs/runs.db --out digit_pairs.csv
    python -m benchmarks.digit_pairs show digit_pairs.csv --plot docs/images/digit_pairs.svg

``train`` can be interrupted and repeated: it goes on from its checkpoints. Its figures come with the package
(lambda_arch/store/measured/trainings).
``show`` prints a table of the last epoch, mean and 95 % interval over the seeds, and draws all epochs.
"""

import argparse
import csv
import sys
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev

from lambda_arch import count, parse, train
from lambda_arch.training import load_data
from lambda_arch.training.data import Subset

STAGES = ("CCCC", "LCCC", "CCCL", "CCLL", "CLLL", "LLLL")
DATA = "digit-pairs:3"
IMAGES, VAL_IMAGES = 2000, 500
RECIPE = {
    "epochs": 3,
    "batch_size": 32,
    "lr": 1e-3,
    "warmup_epochs": 0.5,
    "amp": "bf16",
    "crop": "none",
    "smoothing": 0.0,
}


def name(stages: str) -> str:
    """Return the ResNet-26 with these layers in its four stages."""
    if "L" not in stages:
        return "resnet26:classes=10@32"
    return f"lambda_resnet26:stages={stages},m=7,classes=10@32"


def train_all(stages: list[str], seeds: list[int], output: Path) -> None:
    """Train every network with every seed, and keep its epochs in a store below ``output``."""
    output.mkdir(parents=True, exist_ok=True)
    data = load_data(DATA)
    data = replace(data, train=Subset.of(data.train, IMAGES), val=Subset.of(data.val, VAL_IMAGES))
    for seed in seeds:
        for layers in stages:
            run = train(
                name(layers),
                data,
                "digits",
                seed=seed,
                channels_last=True,
                output=output,
                store=output / "runs.db",
                resume=True,
                **RECIPE,
            )[0]
            if run.status != "finished":
                sys.exit(f"{run.architecture}: {run.status}; the same command continues it")


def interval(values: list[float]) -> tuple[float, float]:
    """Return the mean and half of Student's 95 % interval."""
    from scipy.special import stdtrit

    n = len(values)
    return mean(values), float(stdtrit(n - 1, 0.975)) * stdev(values) / n**0.5


def show(path: Path, plot: Path | None) -> None:
    """Print a Markdown table of the rows in ``path``, and draw them."""
    with path.open() as file:
        rows = list(csv.DictReader(file))
    layers_of = {str(parse(name(layers))): layers for layers in STAGES}
    found: dict[str, dict[int, list[float]]] = {layers: defaultdict(list) for layers in STAGES}
    for row in rows:
        found[layers_of[row["architecture"]]][int(row["epoch"]) * IMAGES].append(float(row["top1"]))
    print("| stages | params | MACs | top-1 % by seed | mean, 95 % interval |")
    print("|:---|---:|---:|:---|---:|")
    for layers, by_images in found.items():
        last = by_images[max(by_images)]
        middle, half = interval(last)
        ledger = count(name(layers))
        costs = " | ".join(f"{number / 1e6:.1f} M" for number in (ledger.params, ledger.macs))
        print(f"| {layers} | {costs} | {', '.join(f'{each:.1f}' for each in last)} | {middle:.1f} ± {half:.1f} |")
    if plot is not None:
        draw(found, plot)


def draw(found: dict[str, dict[int, list[float]]], path: Path) -> None:
    """Draw means and 95 % intervals over the pairs seen, and what a network reaches that sees one digit."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.0, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    step = min(min(by_images) for by_images in found.values())
    for i, (layers, by_images) in enumerate(found.items()):
        middles, halves = zip(*(interval(values) for values in by_images.values()), strict=True)
        beside = [
            images + step * 0.04 * (i - len(found) / 2) for images in by_images
        ]  # intervals that do not hide others
        axes.errorbar(beside, middles, halves, marker="o", markersize=3, capsize=2, linewidth=1, label=layers)
    axes.axhline(100 / 3, color="grey", linewidth=0.6, linestyle=":", label="one digit seen")
    axes.set_xlabel("training pairs seen")
    axes.set_ylabel("top-1 (%), mean and 95 % interval")
    axes.set_ylim(0, 100)
    axes.grid(alpha=0.25)
    figure.legend(title="stages c2 to c5", fontsize=8, frameon=False, loc="outside right")
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    training = commands.add_parser("train")
    training.add_argument("--stages", nargs="+", default=list(STAGES))
    training.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    training.add_argument("--output", type=Path, default=Path("runs"))
    showing = commands.add_parser("show")
    showing.add_argument("path", type=Path)
    showing.add_argument("--plot", type=Path)
    given = parser.parse_args()
    if given.command == "train":
        train_all(given.stages, given.seeds, given.output)
    else:
        show(given.path, given.plot)
