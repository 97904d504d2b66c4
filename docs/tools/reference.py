"""The pages of the reference, made from the commands and from the docstrings when the site is built."""

import importlib
import re
from collections.abc import Iterator
from typing import Any

import typer.main

import lambda_arch
from lambda_arch.cli.main import make_app
from lambda_arch.training.recipe import SETTINGS

GROUPS = {
    "Architectures and their costs": (
        "parse ResNet arch.Lambda count Ledger costs.Row count_many costs.Counts memory Footprint side_by_side "
        "costs.verify costs.map_bytes costs.stage_saved_bytes costs.detection.detector_cost"
    ),
    "Any torch module": "interop.count_module interop.handler_of",
    "Published figures": "compare table audit match store.shipped.shipped_latencies store.shipped.shipped_runs",
    "Networks": (
        "build nn.Network nn.Backbone LambdaLayer nn.attention.AxialAttention prepare convert export nn.load "
        "nn.to_safetensors nn.set_evaluation nn.plans nn.freeze_batch_norms nn.FrozenBatchNorm2d timm.register "
        "keras.LambdaLayer"
    ),
    "Latency": (
        "measure timing.Timing store.Measurement store.Setup store.Summary calibrate predict timing.block_latencies "
        "timing.autotune timing.devices timing.roofline Store store.find_measurements store.merge"
    ),
    "Searching": "search searching.Front propose explore",
    "Training": "train evaluate Recipe training.load_data training.find_runs training.TrainingRun training.Epoch",
    "Plots and the report": "reporting.plots.plot_of reporting.plots.write_plot reporting.html_report.html_report",
    "Extending": "arch.register arch.Extension arch.Family arch.Option arch.Part arch.formula_of arch.module_of",
    "Errors": " ".join(name for name in lambda_arch.__all__ if name.endswith("Error")),
}
"""The public names below ``lambda_arch`` by purpose: all of the root's, and those of packages that pages use."""


def public_names() -> dict[str, Any]:
    """Return what the Python reference describes, by full name."""
    found = {}
    for name in " ".join(GROUPS.values()).split():
        module, _, last = f"lambda_arch.{name}".rpartition(".")
        found[f"lambda_arch.{name}"] = getattr(importlib.import_module(module), last)
    return found


def python_reference() -> str:
    """Return a page with the docstring of every public name."""
    lines = ["# Python", "", "The public names of `lambda_arch`, with shapes, units, errors and sources."]
    for group, names in GROUPS.items():
        lines += ["", f"## {group}"]
        for name in names.split():
            lines.append(f"\n::: lambda_arch.{name}")
            if name == "Recipe":
                lines += ["", "| setting | |", "|:---|:---|"]
                lines += [f"| `{each}` | {escaped(setting.help)} |" for each, setting in SETTINGS.items()]
    return "\n".join(lines) + "\n"


def command_reference() -> str:
    """Return a page of all commands with their arguments and flags."""
    lines = [
        "# Every command and flag",
        "",
        "Made from the commands themselves: what `lambda-arch COMMAND --help` says.",
    ]
    for name, command in commands(typer.main.get_command(make_app())):
        context = command.make_context(name, [], resilient_parsing=True)
        usage = " ".join(command.collect_usage_pieces(context))
        lines += ["", f"## {name}", "", f"    lambda-arch {name} {usage}", "", str(command.help), ""]
        rows = [record for param in command.get_params(context) if (record := param.get_help_record(context))]
        if rows:
            lines += ["| flag | |", "|:---|:---|"]
        lines += [f"| {code(flag)} | {escaped(text)} |" for flag, text in rows]
    return "\n".join(lines) + "\n"


def commands(group: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each command with its full name, those of groups too."""
    for name, command in group.commands.items():
        yield f"{prefix}{name}", command
        if hasattr(command, "commands"):
            yield from commands(command, f"{prefix}{name} ")


def code(text: str) -> str:
    """Return ``text`` as code in a Markdown table."""
    return f"`{re.sub(' <.*>', '', text)}`"


def escaped(text: str) -> str:
    """Return ``text`` as plain words in a Markdown table."""
    return re.sub(r"([|*_<>\[\]`])", r"\\\1", " ".join(text.split()))
