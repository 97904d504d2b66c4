"""Step 4: whole networks side by side, inference and training, eager, compiled and as CUDA graphs."""

from functools import partial
from typing import Any

from benchmarks.gpu.item import Item, Row
from benchmarks.gpu.settings import Settings, Sizes

INFERENCE, TRAINING, COMPILED = 75.0, 75.0, 170.0  # seconds
LAYERS_DEEP = 5  # errors of a network's logits over those of a layer's outputs, some 50 layers deep


def items(sizes: Sizes) -> list[Item]:
    """Return inference and training in the first dtype, at the first batch first."""
    first, *others = sizes.batches
    dtype = sizes.dtypes[0]
    return [
        _inference(first, dtype),
        Item(4, f"network training batch {sizes.train_batch} {dtype}", "networks", TRAINING,
             partial(training, sizes.train_batch, dtype)),
        *(_inference(batch, dtype) for batch in others),
    ]  # fmt: skip


def further(sizes: Sizes) -> list[Item]:
    """Return compiled networks, and other dtypes."""
    first, dtype = sizes.batches[0], sizes.dtypes[0]
    found = [Item(4, f"network compiled batch {first} {dtype}", "networks", COMPILED, partial(compiled, first, dtype))]
    found += [_inference(first, other) for other in sizes.dtypes[1:]]
    return found + [
        Item(4, f"network training batch {sizes.train_batch} {other}", "networks", TRAINING,
             partial(training, sizes.train_batch, other))
        for other in sizes.dtypes[1:] if other != "fp16"  # needs a scaled loss; its layers are checked in step 3
    ]  # fmt: skip


def _inference(batch: int, dtype: str) -> Item:
    key = f"network inference batch {batch} {dtype}"
    return Item(4, key, "networks", INFERENCE, partial(inference, batch, dtype))


def inference(batch: int, dtype: str, settings: Settings) -> list[Row]:
    """Check the logits of all contenders against float64, then time them; the fastest preparation is kept."""
    from benchmarks.gpu.contenders import call_of, for_inference
    from benchmarks.gpu.rounds import precision

    problems: list[Row] = []
    with precision(dtype) as kind:
        contenders = for_inference(settings, batch, kind, problems)
        case = {"batch": batch, "dtype": dtype, "step": "inference"}
        rows, samples = _checked_and_timed(contenders, call_of, case, settings)
    _keep_preparation(samples, batch, dtype, settings)
    return rows + [{**case, **problem} for problem in problems]


def compiled(batch: int, dtype: str, settings: Settings) -> list[Row]:
    """Time our prepared network and the plain one compiled, in a format each."""
    from benchmarks.gpu.contenders import Contender, call_of, for_inference
    from benchmarks.gpu.rounds import precision

    if settings.dry:
        from benchmarks.gpu.item import SkippedError

        raise SkippedError("a dry run compiles nothing")
    with precision(dtype) as kind:
        wanted = ("prepared channels_last", "CCLL prepared channels_last", "resnet50 prepared channels_last")
        found = [c for c in for_inference(settings, batch, kind, []) if c.mode == "eager" and c.name in wanted]
        found += [Contender(c.name, "compiled", c.network, c.images, c.architecture, c.ours) for c in found]
        case = {"batch": batch, "dtype": dtype, "step": "inference"}
        return _checked_and_timed(found, call_of, case, settings)[0]


def training(batch: int, dtype: str, settings: Settings) -> list[Row]:
    """Time a forward and a backward pass under autocast: ours canonical and auto, other people's, a plain ResNet."""
    import copy

    import torch

    from benchmarks.gpu.contenders import Contender, networks, with_peers
    from benchmarks.gpu.rounds import precision
    from lambda_arch.nn import set_evaluation

    problems: list[Row] = []
    sizes, device = settings.sizes, settings.device
    with precision(dtype) as kind:
        base = networks(settings)
        auto, hybrid = (copy.deepcopy(base[name]).to(device) for name in (sizes.network, sizes.hybrid))
        for each in (auto, hybrid):
            set_evaluation(each, "auto", batch, training=True, dtype=kind)
        side = base[sizes.network].architecture.image_size  # type: ignore[union-attr]
        x = torch.randn(batch, 3, side, side, device=device)
        last = x.to(memory_format=torch.channels_last)
        named: dict[str, Any] = {"canonical": (base[sizes.network], x, sizes.network), "auto": (auto, x, sizes.network)}
        named["auto channels_last"] = (auto, last, sizes.network)
        named["CCLL auto"] = (hybrid, x, sizes.hybrid)
        named["resnet50"] = (base[sizes.plain], x, sizes.plain)
        named["resnet50 channels_last"] = (base[sizes.plain], last, sizes.plain)
        for name, peer in with_peers(base[sizes.network], settings, problems).items():
            named[name] = (peer, x, sizes.network)
        contenders = []
        for name, (network, images, architecture) in named.items():
            own = copy.deepcopy(network).to(device).train()
            if images is last:
                own = own.to(memory_format=torch.channels_last)
            contenders.append(Contender(name, "eager", own, images, architecture))
        case = {"batch": batch, "dtype": dtype, "step": "training"}
        make = partial(_training_call, kind=kind)
        rows, _ = _checked_and_timed(contenders, make, case, settings)
    return rows + [{**case, **problem} for problem in problems]


def _training_call(contender: Any, kind: Any) -> Any:
    import torch

    network, x = contender.network, contender.images
    low = kind in (torch.bfloat16, torch.float16)

    def step() -> torch.Tensor:
        network.zero_grad(set_to_none=True)
        with torch.autocast(x.device.type, kind, enabled=low):
            y = network(x)
        y.float().square().mean().backward()
        return y.detach()  # type: ignore[no-any-return]

    return step


def _checked_and_timed(
    contenders: list[Any], make: Any, case: Row, settings: Settings
) -> tuple[list[Row], dict[str, list[float]]]:
    """Return a row for each contender, with its error, time, ratio and floor, and the samples by key."""
    from benchmarks.gpu.floors import floor_seconds
    from benchmarks.gpu.machine import rates
    from benchmarks.gpu.rounds import interleaved, ratio, summary_columns

    training, peaks = case["step"] == "training", rates(settings)
    rows, calls = [], {}
    for each in contenders:
        row: Row = {**case, "name": each.name, "mode": each.mode, "status": "ok"}
        rows.append(row)
        call = _checked(each, make, row, settings)
        if row["status"] == "ok":
            calls[each.key] = call
    samples = interleaved(calls, settings, 4 * settings.sizes.seconds)
    for row, each in zip(rows, contenders, strict=True):
        own = samples.get(each.key)
        if own is None:
            continue
        base = _baseline(each, samples)
        row |= {**summary_columns(own), "images_per_second": round(case["batch"] / (row_ms(own) / 1e3), 1)}
        if base:
            row |= {"baseline": base, "ratio": ratio(own, samples[base])}
        if each.architecture:
            floor = floor_seconds(each.architecture, case["batch"], case["dtype"], peaks, training=training)
            if floor:
                row |= {"floor_ms": round(floor * 1e3, 5), "times_floor": round(row_ms(own) / 1e3 / floor, 3)}
    return rows, samples


def _checked(contender: Any, make: Any, row: Row, settings: Settings) -> Any:
    """Return the call of a contender, run once; ``row`` says what is wrong with it."""
    import torch

    from benchmarks.gpu.rounds import TOLERANCE

    try:
        call = make(contender)
        output = call()
        if not bool(output.isfinite().all()):
            row["status"] = "not finite"
        elif contender.ours:
            row["error"] = _logit_error(contender, output, settings)
            if not row["error"] < LAYERS_DEEP * TOLERANCE[row["dtype"]]:
                row["status"] = "wrong"
    except torch.OutOfMemoryError:
        row["status"] = "oom"
    except Exception as error:  # other people's code, or a graph that cannot be captured
        if "CUDA error" in str(error) and "captur" not in str(error):
            raise
        row |= {"status": "failed", "reason": f"{type(error).__name__}: {' '.join(str(error).split())[:150]}"}
        return None
    return call


def row_ms(samples: list[float]) -> float:
    """Return the median in milliseconds."""
    from statistics import median

    return median(samples) * 1e3


def _baseline(contender: Any, samples: dict[str, list[float]]) -> str:
    """Return the fastest plain ResNet in the same mode: what a user would run instead."""
    plain = {name: row_ms(own) for name, own in samples.items()
             if name.startswith("resnet50") and name.endswith(f" {contender.mode}")}  # fmt: skip
    return min(plain, key=lambda name: plain[name]) if plain else ""


def _logit_error(contender: Any, output: Any, settings: Settings) -> float:
    """Return the error of a few images' logits against the canonical network in float64 on the same images."""
    import torch

    from benchmarks.gpu.rounds import relative_error

    count = settings.sizes.check_batch
    with torch.no_grad():
        exact = _double(settings)(contender.images[:count].double())
    return relative_error(output[:count], exact)


_doubles: dict[str, Any] = {}


def _double(settings: Settings) -> Any:
    from benchmarks.gpu.contenders import networks

    name = settings.sizes.network
    if name not in _doubles:
        _doubles[name] = networks(settings)[name].double().to(settings.device)
    return _doubles[name]


def _keep_preparation(samples: dict[str, list[float]], batch: int, dtype: str, settings: Settings) -> None:
    """Keep the fastest way to run a prepared network here."""
    from benchmarks.gpu.folder import Folder
    from benchmarks.gpu.machine import describe
    from lambda_arch.nn.evaluation.ceilings import DTYPES
    from lambda_arch.nn.preparation import Preparation
    from lambda_arch.store.connection import Store
    from lambda_arch.timing.preparing import keep_preparation

    seconds = {}
    for channels_last in (False, True):
        for graph, mode in ((False, "eager"), (True, "graph")):
            own = samples.get(f"prepared {Preparation(channels_last, False)} {mode}")
            if own:
                seconds[Preparation(channels_last, graph)] = row_ms(own) / 1e3
    if seconds:
        fingerprint = describe(settings)["fingerprint"]
        with Store(Folder(settings.out).store) as store:
            keep_preparation(store, fingerprint, batch, DTYPES[dtype], seconds)
