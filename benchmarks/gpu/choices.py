"""The evaluations that step 3 found fastest on this device, for the layers of whole networks. Imports torch."""

import torch
from torch import nn

from benchmarks.gpu.folder import Folder
from benchmarks.gpu.settings import Settings
from lambda_arch.nn.evaluation import parse_evaluation
from lambda_arch.nn.evaluation.ceilings import DTYPES
from lambda_arch.nn.plan import lambda_layers


def fastest(settings: Settings, dtype: torch.dtype, step: str) -> dict[tuple[int, int, int], str]:
    """Return the fastest right evaluation of each measured layer, by batch, channels and side."""
    found: dict[tuple[int, int, int], tuple[float, str]] = {}
    for item in Folder(settings.out).finished().values():
        for row in item.rows if item.table == "evaluations" else ():
            if row.get("median_ms") and row["step"] == step and DTYPES[row["dtype"]] == dtype:
                key = row["batch"], row["channels"], row["map"]
                found[key] = min(found.get(key, (float("inf"), "")), (row["median_ms"], row["evaluation"]))
    return {key: name for key, (_, name) in found.items()}


def set_measured(network: nn.Module, settings: Settings, batch: int, dtype: torch.dtype, step: str) -> bool:
    """Set every lambda layer to its fastest evaluation; whether all were measured, at any batch, the nearest first."""
    known = fastest(settings, dtype, step)
    for _, layer in lambda_layers(network):
        assert layer.size is not None
        of_layer = {
            b: name for (b, *where), name in known.items() if where == [layer.queries.in_channels, layer.size[0]]
        }
        if not of_layer:
            return False
        layer.evaluation = parse_evaluation(of_layer[min(of_layer, key=lambda b: abs(b - batch))])
    return True
