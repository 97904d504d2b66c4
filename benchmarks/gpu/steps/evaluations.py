"""Step 3: every evaluation of every distinct layer. Outputs and gradients are checked against float64, then timed."""

from collections.abc import Iterator
from functools import partial
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.gpu.item import Item, Row
from benchmarks.gpu.settings import Settings, Sizes

if TYPE_CHECKING:
    import torch

    from lambda_arch.nn import LambdaLayer
    from lambda_arch.nn.evaluation import Evaluation, LayerShape

TIMES = 12  # the largest tensor in float32 that an evaluation may need, in training


def items(sizes: Sizes) -> list[Item]:
    """Return the items of the first batch and dtype."""
    return _items(sizes, sizes.layer_batches[:1], sizes.dtypes[:1], (False, True))


def further(sizes: Sizes) -> list[Item]:
    """Return inference at other batches, and other dtypes."""
    others = _items(sizes, sizes.layer_batches[:1], sizes.dtypes[1:], (False, True))
    return _items(sizes, sizes.layer_batches[1:], sizes.dtypes[:1], (False,)) + others


def _items(sizes: Sizes, batches: tuple[int, ...], dtypes: tuple[str, ...], trainings: tuple[bool, ...]) -> list[Item]:
    found = []
    for batch in batches:
        for dtype in dtypes:
            for training in trainings:
                for dim, side in sizes.layers:
                    step = "training" if training else "inference"
                    key = f"layer {dim}x{side}x{side} batch {batch} {dtype} {step}"
                    run = partial(measure_layer, dim, side, batch, dtype, training)
                    found.append(Item(3, key, "evaluations", 7 if training else 5, 75, run))
    return found


def measure_layer(dim: int, side: int, batch: int, dtype: str, training: bool, settings: Settings) -> Iterator[Row]:
    """Check and time all evaluations of one layer; the fastest is kept as a choice for this device.

    The fused kernel, which has to be compiled, comes after all others were timed, beside the canonical evaluation.
    """
    import torch

    from benchmarks.gpu.checked_layer import CheckedLayer
    from benchmarks.gpu.machine import rates
    from benchmarks.gpu.rounds import interleaved, precision, ratio, summary_columns
    from lambda_arch.nn import LambdaLayer
    from lambda_arch.nn.evaluation import CANONICAL, choose, macs

    rates(settings)  # the cost model uses them
    torch.manual_seed(1000 * dim + 10 * side + batch)
    layer = LambdaLayer(dim, size=side, k=2 if settings.dry else 16, m=3 if settings.dry else 23).to(settings.device)
    at = layer.layer_shape(batch)
    case = {
        "channels": dim,
        "map": side,
        "batch": batch,
        "dtype": dtype,
        "step": "training" if training else "inference",
    }
    seconds: dict[str, float] = {}
    with precision(dtype) as kind:
        own = CheckedLayer(layer, batch, dtype, kind, training)
        chosen = choose(at, settings.device.partition(":")[0], training, dtype=kind)
        tried = list(dict.fromkeys([*_tried(at, settings, kind, training), chosen]))
        fused = [each for each in tried if each.order == "fused"]
        for group in ([each for each in tried if each not in fused], [CANONICAL, *fused] if fused else []):
            rows = {str(each): {**case, "evaluation": str(each), "macs": macs(each, at), **own.checked(each)}
                    for each in group}  # fmt: skip
            right = [each for each in group if rows[str(each)]["status"] == "ok"]
            samples = interleaved({str(each): partial(own.step, each) for each in right}, settings,
                                  settings.sizes.seconds / 2)  # fmt: skip
            for name, row in rows.items():
                if name in samples:
                    row.update(summary_columns(samples[name]))
                    if str(CANONICAL) in samples:
                        row["ratio_to_canonical"] = ratio(samples[name], samples[str(CANONICAL)])
                if name == str(chosen):
                    row["auto"] = "chosen"
                if group[-1:] != fused or name != str(CANONICAL):
                    yield row
            seconds = {**_seconds(samples, seconds), **seconds}
    if dtype in ("bf16", "fp16") and seconds:  # in float32 the fastest depends on settings that a choice does not know
        _keep_fastest(layer, at, training, kind, seconds, settings)


def _seconds(samples: dict[str, list[float]], before: dict[str, float]) -> dict[str, float]:
    """Return the median seconds by evaluation, as they were when ``before`` was measured."""
    from lambda_arch.nn.evaluation import CANONICAL

    base = str(CANONICAL)
    drift = before[base] / median(samples[base]) if base in before and base in samples else 1.0
    return {name: drift * median(own) for name, own in samples.items()}


def _tried(at: "LayerShape", settings: Settings, kind: "torch.dtype", training: bool) -> "list[Evaluation]":
    """Return the evaluations whose tensors fit into memory."""
    import torch

    from lambda_arch.nn.evaluation import queries_first
    from lambda_arch.timing.autotuning import tried

    found = tried(at, settings.device.partition(":")[0], kind)
    if settings.device == "cpu":
        return found
    free = torch.cuda.mem_get_info(settings.device)[0]
    large = 4 * at.b * queries_first.largest(at) * (TIMES if training else TIMES // 2) > free
    return [each for each in found if not (large and each.order == "queries_first")]


def _keep_fastest(
    layer: "LambdaLayer",
    at: "LayerShape",
    training: bool,
    kind: "torch.dtype",
    seconds: dict[str, float],
    settings: Settings,
) -> None:
    import torch

    from benchmarks.gpu.folder import Folder
    from benchmarks.gpu.machine import describe
    from lambda_arch.store.choices import keep_choice
    from lambda_arch.store.connection import Store
    from lambda_arch.timing.autotuning import question

    with torch.autocast(settings.device.partition(":")[0], kind):
        asked = question(layer, at, training)
    fingerprint = describe(settings)["fingerprint"]
    with Store(Folder(settings.out).store) as store:
        keep_choice(store, fingerprint, asked, min(seconds, key=lambda name: seconds[name]), seconds)
