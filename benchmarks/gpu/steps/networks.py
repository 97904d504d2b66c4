"""Step 4: whole networks side by side, inference and training, eager, compiled and as CUDA graphs."""

from collections.abc import Callable, Iterator
from functools import partial
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.gpu.item import Item, Row
from benchmarks.gpu.settings import Settings, Sizes

if TYPE_CHECKING:
    from benchmarks.gpu.contenders import Contender

LAYERS_DEEP = 5  # errors of a network's logits over those of a layer's outputs, some 50 layers deep
COMPILED = {
    "inference": ("resnet50 prepared channels_last", "prepared channels_last", "CCLL prepared channels_last",
                  "prepared measured channels_last", "lambda-networks"),
    "training": ("resnet50 channels_last", "auto channels_last", "CCLL auto channels_last", "lambda-networks"),
}  # fmt: skip
"""What is compiled: the plain network first, because a compilation takes a minute."""


def items(sizes: Sizes) -> list[Item]:
    """Return inference and training in the first batch and dtype."""
    batch, dtype = sizes.batches[0], sizes.dtypes[0]
    return [_inference(batch, dtype), _training(batch, dtype)]


def compiled_inference(sizes: Sizes) -> list[Item]:
    """Return the plain network and ours compiled for inference, in the first batch and dtype."""
    return [_compiled("inference", name, sizes.batches[0], sizes.dtypes[0]) for name in COMPILED["inference"][:2]]


def compiled_training(sizes: Sizes) -> list[Item]:
    """Return the same for training."""
    return [_compiled("training", name, sizes.batches[0], sizes.dtypes[0]) for name in COMPILED["training"][:2]]


def batches(sizes: Sizes) -> list[Item]:
    """Return the other batches in the first dtype, inference first."""
    others, dtype = sizes.batches[1:], sizes.dtypes[0]
    return [make(batch, dtype) for make in (_inference, _training) for batch in others]


def further(sizes: Sizes) -> list[Item]:
    """Return what is left: cuDNN's own search, other dtypes, and the remaining compilations."""
    first, dtype = sizes.batches[0], sizes.dtypes[0]
    rest = [batch for batch in sizes.batches if batch != first]
    found = [Item(4, f"network inference batch {first} {dtype} cudnn.benchmark", "networks", 45, 150,
                  partial(inference, first, dtype, True))]  # fmt: skip
    found += [_compiled(step, name, first, dtype) for step in COMPILED for name in COMPILED[step][2:]]
    found += [make(first, other) for other in sizes.dtypes[1:] for make in (_inference, _training)
              if other != "fp16" or make is _inference]  # fmt: skip  # training in fp16 needs a scaled loss
    found += [_compiled(step, name, batch, dtype) for batch in rest for step in COMPILED for name in COMPILED[step][:2]]
    return found + [make(batch, other) for batch in rest for other in sizes.dtypes[1:] if other != "fp16"
                    for make in (_inference, _training)]  # fmt: skip


def _inference(batch: int, dtype: str) -> Item:
    key = f"network inference batch {batch} {dtype}"
    return Item(4, key, "networks", 35, 150, partial(inference, batch, dtype, False))


def _training(batch: int, dtype: str) -> Item:
    key = f"network training batch {batch} {dtype}"
    return Item(4, key, "networks", 40, 180, partial(training, batch, dtype))


def _compiled(step: str, name: str, batch: int, dtype: str) -> Item:
    planned, limit = (50, 150) if step == "inference" else (80, 240)
    key = f"network {step} batch {batch} {dtype} compiled {name}"
    return Item(4, key, "networks", planned, limit, partial(compiled, step, name, batch, dtype))


def inference(batch: int, dtype: str, benchmark: bool, settings: Settings) -> Iterator[Row]:
    """Check the logits against float64, then time ours beside the plain network, then other people's beside it."""
    from benchmarks.gpu.contenders import for_inference, in_modes, peers_for_inference
    from benchmarks.gpu.rounds import precision

    problems: list[Row] = []
    case: Row = {
        "batch": batch,
        "dtype": dtype,
        "step": "inference",
        **({"cudnn_benchmark": True} if benchmark else {}),
    }
    with precision(dtype, benchmark) as kind:
        found = for_inference(settings, batch, kind)
        rows, samples = checked_and_timed(in_modes(found, *settings.sizes.modes), case, settings)
        yield from rows
        if not benchmark:
            _keep_preparation(samples, batch, dtype, settings)
        base = [each for each in found if each.name == COMPILED["inference"][0]]
        del found
        peers = peers_for_inference(settings, batch, kind, problems, timm=not benchmark)
        rows, _ = checked_and_timed(in_modes([*base, *peers], *settings.sizes.modes), case, settings)
        yield from _without(rows, base)
    yield from ({**case, **problem} for problem in problems)


def training(batch: int, dtype: str, settings: Settings) -> Iterator[Row]:
    """Time training steps under autocast: ours beside the plain network, then other people's beside it."""
    from benchmarks.gpu.contenders import for_training, in_modes, peers_for_training
    from benchmarks.gpu.rounds import precision

    problems: list[Row] = []
    case: Row = {"batch": batch, "dtype": dtype, "step": "training"}
    with precision(dtype) as kind:
        found = for_training(settings, batch, kind)
        yield from checked_and_timed(in_modes(found, *settings.sizes.modes), case, settings)[0]
        base = [each for each in found if each.name == COMPILED["training"][0]]
        del found
        peers = peers_for_training(settings, batch, problems)
        yield from _without(
            checked_and_timed(in_modes([*base, *peers], *settings.sizes.modes), case, settings)[0], base
        )
    yield from ({**case, **problem} for problem in problems)


def compiled(step: str, name: str, batch: int, dtype: str, settings: Settings) -> Iterator[Row]:
    """Compile one network, and time it, also as a graph, beside the plain network as a graph."""
    import torch
    from torch._dynamo.utils import counters

    from benchmarks.gpu.contenders import for_inference, for_training, in_modes, peers_for_inference, peers_for_training
    from benchmarks.gpu.item import SkippedError
    from benchmarks.gpu.rounds import precision

    torch._dynamo.reset()  # type: ignore[no-untyped-call]
    counters.clear()
    case: Row = {"batch": batch, "dtype": dtype, "step": step}
    with precision(dtype) as kind:
        base_name = COMPILED[step][0]
        make = for_inference if step == "inference" else for_training
        found = make(settings, batch, kind, only={base_name, name})
        base = [each for each in found if each.name == base_name]
        wanted = [each for each in found if each.name == name]
        if name == "lambda-networks":
            peers = peers_for_inference(settings, batch, kind, [], timm=False) if step == "inference" \
                else peers_for_training(settings, batch, [])  # fmt: skip
            wanted = [each for each in peers if each.name == name]
        if not wanted:
            raise SkippedError(f"{name}: not here, or its evaluations were not measured")
        chosen = in_modes(base, "graph") + in_modes(wanted, "compiled", "compiled graph")
        rows, samples = checked_and_timed(chosen, case, settings)
        if step == "inference":
            _keep_preparation(samples, batch, dtype, settings)
        for row in rows:
            if row["mode"] != "graph":
                yield {**row, "graph_breaks": sum(counters["graph_break"].values())}


def _without(rows: list[Row], contenders: "list[Contender]") -> list[Row]:
    names = {each.name for each in contenders}
    return [row for row in rows if row["name"] not in names]


def checked_and_timed(
    contenders: "list[Contender]", case: Row, settings: Settings
) -> tuple[list[Row], dict[str, list[float]]]:
    """Return a row for each contender, with its error, time, ratio and floor, and the samples by key."""
    from benchmarks.gpu.calls import free, shared_pool
    from benchmarks.gpu.floors import floor_seconds
    from benchmarks.gpu.machine import clock_columns, rates
    from benchmarks.gpu.rounds import interleaved, ratio, summary_columns

    free(settings.device)
    training, peaks, pool = case["step"] == "training", rates(settings), shared_pool(settings.device)
    rows, calls = [], {}
    for each in contenders:
        row: Row = {**case, "name": each.name, "mode": each.mode, "status": "ok"}
        rows.append(row)
        call = _checked(each, partial(_call, each, case, pool), row, settings)
        if call is not None:
            calls[each.key] = call
    samples = interleaved(calls, settings, 4 * settings.sizes.seconds)
    clock = clock_columns(settings)
    for row, each in zip(rows, contenders, strict=True):
        own = samples.get(each.key)
        if own is None:
            continue
        seconds, base = median(own), _baseline(each, samples)
        row |= {**summary_columns(own), "images_per_second": round(case["batch"] / seconds, 1), **clock}
        if base:
            row |= {"baseline": base, "ratio": ratio(own, samples[base])}
        if each.architecture:
            floor = floor_seconds(each.architecture, case["batch"], case["dtype"], peaks, training=training)
            if floor:
                row |= {"floor_ms": round(floor * 1e3, 5), "times_floor": round(seconds / floor, 3)}
    return rows, samples


def _call(contender: "Contender", case: Row, pool: Any) -> Any:
    from benchmarks.gpu.calls import inference_call, training_call
    from lambda_arch.nn.evaluation.ceilings import DTYPES

    if case["step"] == "inference":
        return inference_call(contender.network, contender.images, contender.mode, pool)
    return training_call(contender.network, contender.images, contender.mode, pool, DTYPES[case["dtype"]])


def _checked(contender: "Contender", make: Callable[[], Any], row: Row, settings: Settings) -> Any:
    """Return the call of a contender, run once, or None; ``row`` says what is wrong with it."""
    from benchmarks.gpu.calls import free, is_out_of_memory, one_line
    from benchmarks.gpu.rounds import TOLERANCE

    try:
        call = make()
        output = call()
        gradients = [p.grad for p in contender.network.parameters() if p.grad is not None]
        if not all(bool(each.isfinite().all()) for each in (output, *gradients)):
            row["status"] = "not finite"
        elif contender.ours:
            row["error"] = _logit_error(contender, output, settings)
            if not row["error"] < LAYERS_DEEP * TOLERANCE[row["dtype"]]:
                row["status"] = "wrong"
    except Exception as error:  # other people's code, a graph that cannot be captured, or memory that runs out
        row |= {"status": "oom" if is_out_of_memory(error) else "failed", "reason": one_line(error)}
        if row["status"] == "failed" and "CUDA error" in str(error) and "captur" not in str(error):
            raise
        call = None
    if call is None:  # outside of the handler, which holds the frames, and with them the memory, of what failed
        for parameter in contender.network.parameters():
            parameter.grad = None
        free(settings.device)
    return call if row["status"] == "ok" else None


def _baseline(contender: "Contender", samples: dict[str, list[float]]) -> str:
    """Return the fastest plain ResNet in the same mode, or in any: what a user would run instead."""
    from benchmarks.gpu.contenders import PLAIN

    plain = {key: median(own) for key, own in samples.items() if key.startswith(PLAIN)}
    same = [key for key in plain if key.endswith(f" {contender.mode}")]
    return min(same or plain, key=lambda key: plain[key], default="")


def _logit_error(contender: "Contender", output: Any, settings: Settings) -> float:
    """Return the error of a few images' logits against the canonical network in float64 on the same images."""
    import torch

    from benchmarks.gpu.rounds import relative_error

    count = settings.sizes.check_batch
    with torch.no_grad():
        exact = _double(settings)(contender.images[:count].double().contiguous())
    return relative_error(output[:count], exact)


_doubles: dict[str, Any] = {}


def _double(settings: Settings) -> Any:
    from benchmarks.gpu.contenders import network_of
    from lambda_arch.nn import set_evaluation

    name = settings.sizes.network
    if name not in _doubles:
        network = network_of(name).double().to(settings.device)
        set_evaluation(network, "matrix/product")  # float64 convolutions of 23x23 are slow on GPUs
        _doubles[name] = network
    return _doubles[name]


def _keep_preparation(samples: dict[str, list[float]], batch: int, dtype: str, settings: Settings) -> None:
    """Keep how long prepared networks took, and so the fastest way to run one here."""
    from benchmarks.gpu.folder import Folder
    from benchmarks.gpu.machine import describe
    from lambda_arch.nn.evaluation.ceilings import DTYPES
    from lambda_arch.nn.preparation import Preparation
    from lambda_arch.store.connection import Store
    from lambda_arch.timing.preparing import keep_preparation

    modes = {"eager": (False, False), "graph": (True, False), "compiled": (False, True), "compiled graph": (True, True)}
    seconds = {}
    for channels_last in (False, True):
        for mode, (graph, compiled) in modes.items():
            own = samples.get(f"prepared {Preparation(channels_last, False)} {mode}")
            if own:
                seconds[Preparation(channels_last, graph, compiled)] = median(own)
    if seconds:
        fingerprint = describe(settings)["fingerprint"]
        with Store(Folder(settings.out).store) as store:
            keep_preparation(store, fingerprint, batch, DTYPES[dtype], seconds)
