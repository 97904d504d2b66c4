"""What bounds each stage of a network: compute or memory bandwidth (the roofline model, Williams et al. 2009)."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lambda_arch.arch import Architecture
from lambda_arch.costs import Ledger, count
from lambda_arch.errors import SetupError
from lambda_arch.results import Result
from lambda_arch.store.setup import BYTES, Cast, Clock, MemoryFormat, Mode, Setup
from lambda_arch.store.status import Status
from lambda_arch.timing.arguments import Architectures, StoreLike, opened, read_architectures, read_setups
from lambda_arch.timing.calibration import check_parts
from lambda_arch.timing.limits import Limits
from lambda_arch.timing.machines import fingerprint_of, learn_rates, peaks_of
from lambda_arch.timing.progress import Event, Planned, Progress, follow
from lambda_arch.timing.rounds import Finished, Job, Loaded, Sampled, interleaved_rounds


@dataclass(frozen=True)
class StageRoofline:
    """A stage of a network on a device: its measured time, and the least time that its FLOPs and its bytes need.

    ``seconds`` is the median inside whole steps. ``flops`` and ``bytes`` are of a whole step; bytes count every
    module's output written and read once, and its parameters read once, in the dtype. In training the backward pass
    also reads each output and its parameters once more, writes and reads the output's gradient, and writes those of the
    parameters. ``compute``, ``memory``: their seconds at the device's peak rates.
    """

    stage: str
    seconds: float
    flops: int
    bytes: int
    compute: float
    memory: float

    @property
    def bound(self) -> str:
        """Whether compute or memory takes longer at the device's peak rates."""
        return "compute-bound" if self.compute >= self.memory else "memory-bound"

    @property
    def share(self) -> float:
        """The least time over the measured time."""
        return max(self.compute, self.memory) / self.seconds


@dataclass(frozen=True)
class NetworkRoofline:
    """A network in a setup, by stage."""

    architecture: Architecture
    setup: Setup
    stages: tuple[StageRoofline, ...]


@dataclass(frozen=True)
class Rooflines(Result):
    """Networks by stage. ``interrupted``: whether Ctrl-C ended it early."""

    networks: tuple[NetworkRoofline, ...]
    interrupted: bool = False

    @property
    def is_measured(self) -> bool:
        """Whether any network was measured."""
        return bool(self.networks)


def roofline(
    architectures: Architectures,
    *,
    device: str = "cpu",
    batch_size: int | str | Sequence[int] = 1,
    dtype: str | Sequence[str] = "fp32",
    cast: Cast = "autocast",
    memory_format: MemoryFormat = "contiguous",
    mode: Mode = "inference",
    compile: bool = False,  # noqa: A002  # torch's name for it
    cuda_graph: bool = False,
    threads: int = 0,
    clock: Clock = "wall",
    evaluation: str = "canonical",
    seconds: float = 10.0,
    spread: float = 0.05,
    timeout: float = 600.0,
    memory_limit: float = 0.0,
    store: StoreLike = None,
    progress: Progress = None,
) -> Rooflines:
    """Time the stages of networks inside whole steps, and compare them with the device's measured peak rates.

    Returns seconds, FLOPs and bytes of each stage, for the whole batch. The other arguments are those of
    :func:`lambda_arch.measure`. Raises what it raises, and :class:`SetupError` for a setup that cannot run, or whose
    parts cannot be timed separately.
    """
    networks = read_architectures(architectures)
    limits = Limits.of(spread=spread, seconds=seconds, timeout=timeout, memory_limit=memory_limit)
    setups = read_setups(
        batch_size,
        dtype,
        device=device,
        cast=cast,
        memory_format=memory_format,
        mode=mode,
        compile=compile,
        cuda_graph=cuda_graph,
        threads=threads,
        clock=clock,
        evaluation=evaluation,
    )
    found: list[NetworkRoofline] = []
    for setup in setups:
        check_parts(setup, "roofline")
    with opened(store) as kept:
        fingerprint = fingerprint_of(kept, device)
        peaks = peaks_of(kept, fingerprint, setups[0].device, setups[0].threads)
        learn_rates(kept, fingerprint, setups)

    def events() -> Iterator[Event]:
        jobs = {Job(str(network), setup): network for setup in setups for network in networks}
        yield Planned(tuple(jobs), limits.seconds)
        for job, network in jobs.items():
            yield from _time_stages(job, network, limits, peaks, found)

    interrupted = follow(events(), progress)
    return Rooflines(tuple(found), interrupted)


def _time_stages(
    job: Job, network: Architecture, limits: Limits, peaks: Mapping[str, float], found: list[NetworkRoofline]
) -> Iterator[Event]:
    if job.setup.dtype not in peaks:
        raise SetupError(f"dtype={job.setup.dtype}: {job.setup.device} has no measured peak for it")
    paths: tuple[str, ...] = ()
    samples: list[tuple[float, ...]] = []
    for event in interleaved_rounds([job], limits, by_part=True):
        if isinstance(event, Loaded):
            paths = event.reply.parts
        elif isinstance(event, Sampled):
            samples += event.reply.parts
        elif isinstance(event, Finished) and event.status is not Status.OK:
            raise SetupError(f"{network}: {event.status}, {event.reason}")
        yield event
    seconds: dict[str, float] = {}
    for i, path in enumerate(paths):
        stage = path.partition(".")[0]
        seconds[stage] = seconds.get(stage, 0.0) + statistics.median(sample[i] for sample in samples)
    ledgers = count(network, mode=job.setup.mode).by_part()
    stages = [_stage(stage, seconds[stage], ledger, job.setup, peaks) for stage, ledger in ledgers.items()]
    found.append(NetworkRoofline(network, job.setup, tuple(stages)))


def _stage(stage: str, seconds: float, ledger: Ledger, setup: Setup, peaks: Mapping[str, float]) -> StageRoofline:
    outputs, parameters = (5, 3) if setup.mode == "train" else (2, 1)
    flops = ledger.flops * setup.batch_size
    moved = (outputs * ledger.activations * setup.batch_size + parameters * ledger.params) * BYTES[setup.dtype]
    return StageRoofline(stage, seconds, flops, moved, flops / peaks[setup.dtype], moved / peaks["copy"])
