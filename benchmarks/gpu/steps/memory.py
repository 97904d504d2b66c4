"""Step 7: speed by batch up to the largest, peak memory beside our own counts, and joules an image."""

import time
from collections.abc import Iterator
from functools import partial

from benchmarks.gpu.item import Item, Row, SkippedError
from benchmarks.gpu.settings import Settings, Sizes

ENERGY_SECONDS = 3.0  # the GPU updates its counter some ten times a second
LEAST = 2  # images, because batch norms need two values
BISECTED = 2  # halvings between the largest batch that fits and the smallest that does not
LARGEST_SECONDS = 45.0  # after that no larger batch is tried


def items(sizes: Sizes) -> list[Item]:
    """Return energy, memory at inference and in training, and the largest batches, for ours and the plain network."""
    both = (sizes.network, sizes.plain)
    found = [Item(7, f"energy {network}", "energy", 15, 60, partial(energy, network)) for network in both]
    modes = [(network, mode) for network in both for mode in ("inference", "train")]
    found += [Item(7, f"memory {network} {mode}", "memory", 8, 60, partial(peak, network, mode))
              for network, mode in modes]  # fmt: skip
    return found + [Item(7, f"largest batch {network} {mode}", "batches", 25, 100, partial(largest, network, mode))
                    for network, mode in modes]  # fmt: skip


def peak(network: str, mode: str, settings: Settings) -> list[Row]:
    """Compare the allocator's peak in float32, canonical, with our counts of activations."""
    import torch

    from lambda_arch.arch import parse
    from lambda_arch.costs import saved_bytes
    from lambda_arch.costs.peak import peak_memory
    from lambda_arch.nn import build
    from lambda_arch.store.setup import Setup
    from lambda_arch.timing.worker.memory import PeakMemory
    from lambda_arch.timing.worker.workload import Workload

    batch = settings.sizes.memory_batch
    architecture = parse(network)
    size = architecture.image_size
    if mode == "train":
        count = saved_bytes(build(network, device="meta").train(), torch.empty(batch, 3, size, size, device="meta"))
    else:
        count = peak_memory(architecture, batch)
    workload = Workload(architecture, Setup(settings.device, batch_size=batch, mode=mode))  # type: ignore[arg-type]
    workload.step()  # libraries take what they keep, and the optimizer its momentum
    workload.network.zero_grad(set_to_none=True)
    meter = PeakMemory(settings.device)
    base = torch.cuda.memory_allocated() if settings.device != "cpu" else meter.bytes()
    for _ in range(2):
        workload.step()
    found = meter.bytes() - base
    what = "saved for the backward pass" if mode == "train" else "activations at the peak"
    return [{"architecture": network, "mode": mode, "batch": batch, "dtype": "fp32", "peak_bytes": found,
             "counted_bytes": count, "counted": what, "ratio": round(found / count, 4)}]  # fmt: skip


def energy(network: str, settings: Settings) -> Iterator[Row]:
    """Return joules an image at inference, as built and prepared with a graph."""
    if settings.device == "cpu":
        raise SkippedError("a CPU has no such counter")

    from benchmarks.gpu.energy import joules_of
    from lambda_arch.arch import parse
    from lambda_arch.store.setup import Setup
    from lambda_arch.timing.worker.timer import Timer
    from lambda_arch.timing.worker.workload import Workload

    batch, dtype = settings.sizes.batches[0], settings.sizes.dtypes[0]
    timer = Timer(settings.device)
    last = {"memory_format": "channels_last", "cuda_graph": True}
    for evaluation, options in (("prepared", last), ("canonical", {})):
        setup = Setup(settings.device, batch, dtype, "cast", evaluation=evaluation, **options)  # type: ignore[arg-type]
        workload = Workload(parse(network), setup)
        for _ in range(3):
            workload.step()
        timer.synchronize()

        def run(seconds: float, workload: Workload = workload) -> int:
            start, steps = time.perf_counter(), 0
            while time.perf_counter() - start < seconds:
                for _ in range(10):
                    workload.step()
                timer.synchronize()
                steps += 10
            return steps

        found = joules_of(run, settings.device, ENERGY_SECONDS)
        if found is None:
            raise SkippedError("neither nvidia-ml-py nor nvidia-smi reports energy or power")
        joules, seconds, steps, by = found
        yield {"architecture": network, "evaluation": evaluation, "batch": batch, "dtype": dtype, "steps": steps,
               "joules_per_image": joules / (steps * batch), "watts": joules / seconds, "by": by}  # fmt: skip


def largest(network: str, mode: str, settings: Settings) -> Iterator[Row]:
    """Time batches, doubled until one does not fit into memory, then between the last two."""
    start = time.perf_counter()
    sizes, good, bad, halvings = settings.sizes, 0, 0, 0
    batch = sizes.batches[0]
    while batch and time.perf_counter() - start < LARGEST_SECONDS:
        row = timed_batch(network, mode, batch, settings)
        yield row
        if row["status"] == "ok":
            good = batch
        else:
            bad = batch
        batch, halvings = next_batch(good, bad, sizes.largest, halvings)


def next_batch(good: int, bad: int, most: int, halvings: int) -> tuple[int, int]:
    """Return the batch to try next and the halvings so far; 0 when the largest is known well enough.

    ``good``: the largest that fits, 0 if none does yet; ``bad``: the smallest that does not, 0 if all do.
    """
    if not bad:
        return (0 if good >= most else min(2 * good, most)), halvings
    if not good:
        return (bad // 2 if bad // 2 >= LEAST else 0), halvings
    if halvings >= BISECTED or bad - good <= 1:
        return 0, halvings
    return (good + bad) // 2, halvings + 1


def timed_batch(network: str, mode: str, batch: int, settings: Settings) -> Row:
    """Time one batch, eager, with the cost model's choice of evaluations."""
    import torch

    from benchmarks.gpu.calls import free, inference_call, is_out_of_memory, one_line, training_call
    from benchmarks.gpu.contenders import images_for, network_of
    from benchmarks.gpu.machine import rates
    from benchmarks.gpu.rounds import interleaved, precision, summary_columns
    from lambda_arch.nn import set_evaluation

    rates(settings)
    dtype, training = settings.sizes.dtypes[0], mode == "train"
    row: Row = {"architecture": network, "mode": mode, "batch": batch, "dtype": dtype, "status": "ok"}
    call = None
    try:
        with precision(dtype) as kind:
            own = network_of(network).to(settings.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
            own = own.train() if training else own.to(kind)
            set_evaluation(own, "auto", batch, training=training, dtype=kind)
            x = images_for(network, batch, settings, torch.float32 if training else kind)
            x = x.to(memory_format=torch.channels_last)
            call = training_call(own, x, "eager", None, kind) if training else inference_call(own, x, "eager", None)
            if settings.device != "cpu":
                torch.cuda.reset_peak_memory_stats()
            samples = interleaved({"": call}, settings, settings.sizes.seconds / 2)[""]
            row |= summary_columns(samples)
            row["images_per_second"] = round(batch / row["median_ms"] * 1e3, 1)
            if settings.device != "cpu":
                row["peak_memory"] = torch.cuda.max_memory_allocated()
    except Exception as error:  # memory that runs out, or sizes that a library does not take
        if not is_out_of_memory(error) and "CUDA error" in str(error):
            raise
        row |= {"status": "oom" if is_out_of_memory(error) else "failed", "reason": one_line(error)}
    call = own = x = None
    free(settings.device)
    return row
