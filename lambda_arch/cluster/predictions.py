"""Predictions for a cluster's devices, beside measurements there."""

from typing import Any

from lambda_arch.cluster.connection import connected
from lambda_arch.cluster.progress import Progress
from lambda_arch.cluster.threads import kind_of, latency_threads
from lambda_arch.cluster.timings import measure
from lambda_arch.errors import SetupError
from lambda_arch.store.setup import Setup
from lambda_arch.timing.arguments import Architectures, StoreLike, opened
from lambda_arch.timing.calibration import block_latencies, check_parts
from lambda_arch.timing.prediction import SPREAD, Predictions, check_calibrated, networks_to_predict, predictions


def predict(
    architectures: Architectures,
    *,
    cluster: str = "local",
    resource: str = "",
    random: int = 0,
    choices: str = "",
    seed: int = 0,
    strict: bool = False,
    device: str = "cpu",
    threads: int = 0,
    seconds: float = 5.0,
    timeout: float = 600.0,
    memory_limit: float = 0.0,
    fresh: bool = False,
    store: StoreLike = None,
    progress: Progress = None,
    **settings: Any,
) -> Predictions:
    """Measure on the nodes of ``cluster`` (see :func:`connected`), and compare with what their calibration predicts.

    The arguments are those of :func:`lambda_arch.predict`. Raises what that raises, after the measurements, which are
    kept; and :class:`SetupError` without Ray or such a cluster, and for nodes whose devices differ.
    """
    networks, kind = networks_to_predict(architectures, random, choices, seed), kind_of(device)
    limits: dict[str, Any] = {"seconds": seconds, "timeout": timeout, "memory_limit": memory_limit, "spread": SPREAD}
    with connected(cluster) as ray, opened(store) as kept:
        threads = latency_threads(ray, cluster, threads) if kind == "cpu" else threads
        setup = Setup(kind, threads=threads, **settings)
        check_parts(setup, "predict")
        there: dict[str, Any] = {"cluster": cluster, "resource": resource, "alike": True, "progress": progress}
        found = measure(networks, device=kind, threads=threads, fresh=fresh, store=kept, **there, **limits, **settings)
        machines = {timing.measurement.fingerprint for timing in found}
        if not machines:
            raise SetupError("predict: interrupted before anything was measured")
        latencies = block_latencies(kept, setup, fingerprint=machines.pop())
        check_calibrated(networks, latencies, strict=strict)
        return predictions(networks, latencies, found, interrupted=found.interrupted)
