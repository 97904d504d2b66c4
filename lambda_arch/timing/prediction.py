"""Latencies of networks predicted as the sum of their calibrated parts, and the error of that."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from lambda_arch.arch import Architecture, ArchitectureError, ResNet
from lambda_arch.errors import SetupError
from lambda_arch.results import Result
from lambda_arch.store.measurements import Measurement
from lambda_arch.store.setup import Cast, Clock, DType, MemoryFormat, Mode, Setup
from lambda_arch.store.status import Status
from lambda_arch.timing.arguments import Architectures, StoreLike, opened, read_architectures
from lambda_arch.timing.block_choices import block_choices, random_networks
from lambda_arch.timing.calibration import BlockLatencies, block_latencies, check_parts
from lambda_arch.timing.measuring import Measurements, Timing
from lambda_arch.timing.measuring import measure as measure_networks
from lambda_arch.timing.progress import Progress

SPREAD = 0.05


@dataclass(frozen=True)
class Prediction:
    """The predicted ``seconds`` of a step of an architecture, and its measurement, if it was measured.

    ``interval``: the seconds with all parts at their lower, or all at their upper, quartiles. ``warnings`` about the
    latencies of its parts, by readable name.
    """

    architecture: Architecture
    seconds: float
    measurement: Measurement | None = None
    interval: tuple[float, float] | None = None
    warnings: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def error(self) -> float | None:
        """The relative error of the prediction; None without a measurement."""
        summary = self.measurement and self.measurement.summary
        return self.seconds / summary.median - 1 if summary else None


@dataclass(frozen=True)
class Predictions(Result):
    """Predicted latencies in ``setup``. ``interrupted``: whether Ctrl-C ended the measurements."""

    predictions: tuple[Prediction, ...]
    setup: Setup
    interrupted: bool = False


def predict(
    architectures: Architectures,
    *,
    random: int = 0,
    choices: str = "",
    seed: int = 0,
    measure: bool = False,
    strict: bool = False,
    device: str = "cpu",
    batch_size: int = 1,
    dtype: DType = "fp32",
    cast: Cast = "autocast",
    memory_format: MemoryFormat = "contiguous",
    mode: Mode = "inference",
    threads: int = 0,
    clock: Clock = "wall",
    evaluation: str = "canonical",
    seconds: float = 5.0,
    timeout: float = 600.0,
    memory_limit: float = 0.0,
    fresh: bool = False,
    store: StoreLike = None,
    progress: Progress = None,
) -> Predictions:
    """Predict latencies as the sum of calibrated parts; with ``measure``, measure the networks too.

    ``random``: predict so many networks of the first one's shape instead, with blocks drawn with ``seed`` from
    ``choices`` (see :func:`lambda_arch.calibrate`). ``strict``: refuse parts with unsound latencies instead of warning.
    The other arguments are those of :func:`lambda_arch.measure`. Returns seconds per step with an interval, and the
    measured ones.

    Raises :class:`SetupError` if a part was not calibrated (with ``strict``, also if it is unsound), and what
    :func:`lambda_arch.measure` raises.
    """
    networks = networks_to_predict(architectures, random, choices, seed)
    setup = Setup(
        device, batch_size, dtype, cast, memory_format, mode, threads=threads, clock=clock, evaluation=evaluation
    )
    check_parts(setup, "predict")
    with opened(store, create=False, read_only=not measure) as kept:
        latencies = block_latencies(kept, setup)
        check_calibrated(networks, latencies, strict=strict)
        found = Measurements(())
        if measure:
            found = measure_networks(
                networks,
                **setup.arguments,
                seconds=seconds,
                spread=SPREAD,
                timeout=timeout,
                memory_limit=memory_limit,
                fresh=fresh,
                store=kept,
                progress=progress,
            )
    return predictions(networks, latencies, found, interrupted=found.interrupted)


def networks_to_predict(architectures: Architectures, random: int, choices: str, seed: int) -> list[Architecture]:
    """Return the architectures, or so many ``random`` ones of the first one's shape."""
    networks = read_architectures(architectures)
    if random < 0:
        raise SetupError(f"random={random}: expected a whole number from 1, or 0 for the networks named")
    if not random:
        return networks
    base = networks[0]
    if not isinstance(base, ResNet):
        raise ArchitectureError(f"random={random}: expected a ResNet or LambdaResNet; {base} has other blocks")
    return list(random_networks(base, block_choices(base, choices), random, seed))


def check_calibrated(networks: Sequence[Architecture], latencies: BlockLatencies, *, strict: bool) -> None:
    """Raise :class:`SetupError` if a part was not calibrated, or with ``strict`` is unsound."""
    for network in networks:
        missing = latencies.missing(network)
        if missing:
            raise SetupError(
                f"{network}: {len(missing)} of its parts were not calibrated for {latencies.setup}, such as "
                f"{missing[0]}; expected `lambda-arch calibrate` with this name (or choices) and the same setup first"
            )
        doubts = latencies.doubts(network)
        if strict and doubts:
            part, warnings = next(iter(doubts.items()))
            raise SetupError(
                f"{network}: {len(doubts)} of its parts are not sound, such as {part} ({warnings[0]}); "
                f"expected `lambda-arch calibrate` on a quiet machine, for longer, or no strict=True"
            )


def predictions(
    networks: Sequence[Architecture], latencies: BlockLatencies, found: Iterable[Timing], *, interrupted: bool = False
) -> Predictions:
    """Return the predictions beside what was measured."""
    measured = {t.measurement.architecture: t.measurement for t in found if t.measurement.status is Status.OK}
    predicted = (
        Prediction(
            each, latencies.network(each), measured.get(str(each)), latencies.interval(each), latencies.doubts(each)
        )
        for each in networks
    )
    return Predictions(tuple(predicted), latencies.setup, interrupted)
