"""Step 3: every evaluation of every distinct layer. Outputs and gradients are checked against float64, then timed."""

import math
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.gpu.item import Item, Row
from benchmarks.gpu.settings import Settings, Sizes

if TYPE_CHECKING:
    from torch import Tensor

    from lambda_arch.nn import LambdaLayer
    from lambda_arch.nn.evaluation import Evaluation, LayerShape

SECONDS = 45.0
ROOM = 12  # times the largest tensor in float32 that an evaluation may need, in training


def items(sizes: Sizes) -> list[Item]:
    """Return the items of the first batch and dtype."""
    return _items(sizes, sizes.layer_batches[:1], sizes.dtypes[:1], (False, True))


def further(sizes: Sizes) -> list[Item]:
    """Return those of other dtypes, and inference at other batches."""
    others = _items(sizes, sizes.layer_batches[:1], sizes.dtypes[1:], (False, True))
    return others + _items(sizes, sizes.layer_batches[1:], sizes.dtypes[:1], (False,))


def _items(sizes: Sizes, batches: tuple[int, ...], dtypes: tuple[str, ...], trainings: tuple[bool, ...]) -> list[Item]:
    found = []
    for batch in batches:
        for dtype in dtypes:
            for training in trainings:
                for dim, side in sizes.layers:
                    step = "training" if training else "inference"
                    key = f"layer {dim}x{side}x{side} batch {batch} {dtype} {step}"
                    run = partial(measure_layer, dim, side, batch, dtype, training)
                    found.append(Item(3, key, "evaluations", SECONDS, run))
    return found


def measure_layer(dim: int, side: int, batch: int, dtype: str, training: bool, settings: Settings) -> list[Row]:
    """Check and time all evaluations of one layer; the fastest is kept as a choice for this device."""
    import torch

    from benchmarks.gpu.rounds import TOLERANCE, interleaved, precision, ratio, summary_columns
    from lambda_arch.nn import LambdaLayer
    from lambda_arch.nn.evaluation import macs

    torch.manual_seed(hash((dim, side, batch)) % 2**31)
    layer = LambdaLayer(dim, size=side, k=4 if settings.dry else 16, m=3 if settings.dry else 23).to(settings.device)
    at = layer.layer_shape(batch)
    layer.train(training)
    x = torch.randn(batch, dim, side, side, device=settings.device)
    cotangent = torch.randn_like(x)
    case = {
        "channels": dim,
        "map": side,
        "batch": batch,
        "dtype": dtype,
        "step": "training" if training else "inference",
    }
    rows, calls = [], {}
    exact = _exact(layer, x, cotangent, training)
    with precision(dtype) as kind:
        for evaluation in _tried(at, settings, training):
            row: Row = {**case, "evaluation": str(evaluation), "status": "ok", "macs": macs(evaluation, at)}
            rows.append(row)
            try:
                errors = _errors(layer, evaluation, x, cotangent, kind, training, exact)
            except torch.OutOfMemoryError:
                row["status"] = "oom"
                continue
            row |= {f"error_{name}": error for name, error in errors.items()}
            if all(error < TOLERANCE[dtype] for error in errors.values()):
                calls[str(evaluation)] = partial(_step, layer, evaluation, x, cotangent, kind, training)
            else:
                row["status"] = "wrong"
        samples = interleaved(calls, settings, settings.sizes.seconds)
    for row in rows:
        if (own := samples.get(row["evaluation"])) is not None:
            row |= {**summary_columns(own), "ratio_to_canonical": ratio(own, samples["canonical"])}
    if dtype in ("bf16", "fp16"):  # in float32 the fastest depends on settings that a choice does not know
        _keep_fastest(layer, at, training, kind, samples, settings)
    return rows


def _tried(at: "LayerShape", settings: Settings, training: bool) -> "list[Evaluation]":
    """Return the evaluations whose tensors fit into memory."""
    import torch

    from lambda_arch.nn.evaluation import queries_first
    from lambda_arch.timing.autotuning import tried

    found = tried(at, settings.device.partition(":")[0])
    if settings.device == "cpu":
        return found
    free = torch.cuda.mem_get_info()[0]
    large = 4 * at.b * queries_first.largest(at) * (ROOM if training else ROOM // 2) > free
    return [each for each in found if not (large and each.order == "queries_first")]


def _step(
    layer: "LambdaLayer", evaluation: "Evaluation", x: "Tensor", cotangent: "Tensor", kind: object, training: bool
) -> "Tensor":
    """Run one forward pass, in training also the backward pass, under autocast for low precision."""
    import torch

    layer.evaluation = evaluation
    low = kind in (torch.bfloat16, torch.float16)
    with torch.set_grad_enabled(training), torch.autocast(x.device.type, kind, enabled=low):  # type: ignore[arg-type]
        y = layer(x)
    if training:
        layer.zero_grad(set_to_none=True)
        y.backward(cotangent.to(y))
    return y


def _all(layer: "LambdaLayer", y: "Tensor", x: "Tensor") -> "dict[str, Tensor]":
    """Return outputs, and in training the gradients that are left after a step."""
    found = {"output": y.detach()}
    if x.grad is not None:
        found["input"] = x.grad
        found |= {name: p.grad for name, p in layer.named_parameters() if p.grad is not None}
    return found


def _exact(layer: "LambdaLayer", x: "Tensor", cotangent: "Tensor", training: bool) -> "dict[str, Tensor]":
    """Return outputs and gradients in float64, by products of matrices: no kernel that is checked computes them."""
    import copy

    from lambda_arch.nn.evaluation import Evaluation

    double = copy.deepcopy(layer).double()
    x = x.double().requires_grad_(training)
    y = _step(double, Evaluation("matrix", "product"), x, cotangent.double(), x.dtype, training)
    return _all(double, y, x)


def _errors(
    layer: "LambdaLayer",
    evaluation: "Evaluation",
    x: "Tensor",
    cotangent: "Tensor",
    kind: object,
    training: bool,
    exact: "dict[str, Tensor]",
) -> dict[str, float]:
    """Return the error of the output, and the largest of those of the gradients, with poisoned memory."""
    import copy

    import torch

    from benchmarks.gpu.rounds import relative_error

    poison = [torch.full((x.numel() * 4,), float("nan"), device=x.device) for _ in range(4)]
    del poison  # what is allocated next is likely to lie here
    own = copy.deepcopy(layer)
    x = x.clone().requires_grad_(training)
    found = _all(own, _step(own, evaluation, x, cotangent, kind, training), x)
    errors = {name: relative_error(found[name], expected) for name, expected in exact.items()}
    rest = [error for name, error in errors.items() if name != "output"]
    if not rest:
        return {"output": errors["output"]}
    return {"output": errors["output"], "gradients": math.nan if any(map(math.isnan, rest)) else max(rest)}


def _keep_fastest(
    layer: "LambdaLayer",
    at: "LayerShape",
    training: bool,
    kind: object,
    samples: dict[str, list[float]],
    settings: Settings,
) -> None:
    from statistics import median

    import torch

    from benchmarks.gpu.folder import Folder
    from benchmarks.gpu.machine import describe
    from lambda_arch.store.choices import keep_choice
    from lambda_arch.store.connection import Store
    from lambda_arch.timing.autotuning import question

    seconds = {name: median(own) for name, own in samples.items()}
    with torch.autocast(settings.device.partition(":")[0], kind):  # type: ignore[arg-type]
        asked = question(layer, at, training)
    fingerprint = describe(settings)["fingerprint"]
    with Store(Folder(settings.out).store) as store:
        keep_choice(store, fingerprint, asked, min(seconds, key=lambda name: seconds[name]), seconds)
