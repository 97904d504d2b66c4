"""Joining a cluster of Ray, or starting one on this machine."""

import os
import re
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lambda_arch.errors import SetupError, did_you_mean, one_line
from lambda_arch.lazy import check_installed

STATISTICS = "RAY_USAGE_STATS_ENABLED"
"""The environment variable that lets Ray send usage statistics: off, unless the user has set it."""
CONNECT_TIMEOUT = 10.0  # seconds


@contextmanager
def connected(cluster: str) -> Iterator[Any]:
    """Yield Ray's module, connected to ``cluster``: ``local``, ``auto`` for the one that runs here, or an address.

    ``local`` starts one on the cores and GPUs of this machine, and ends it. Inside of another ``connected`` the
    connection that there is serves.

    Raises :class:`SetupError` if Ray is not installed, for another word, and if there is no such cluster.
    """
    if cluster not in ("local", "auto") and not re.fullmatch(r"(ray://)?[^\s:/]+:\d+", cluster):
        hint = did_you_mean(cluster, ("local", "auto"))
        raise SetupError(f"cluster={cluster}: expected local, auto, HOST:PORT or ray://HOST:PORT{hint}")
    check_installed("cluster", "ray")
    before = dict(os.environ)
    os.environ.setdefault(STATISTICS, "0")
    import ray

    if ray.is_initialized():
        yield ray
        return
    handlers = _handlers()
    try:
        _connect(ray, cluster)
        _handle(handlers)  # Ray has set its own
        yield ray
    finally:
        ray.shutdown()
        _handle(handlers)
        os.environ.clear()
        os.environ.update(before)


def _connect(ray: Any, cluster: str) -> None:
    if ":" in cluster:  # Ray itself tries for minutes
        host, _, port = cluster.removeprefix("ray://").rpartition(":")
        try:
            socket.create_connection((host, int(port)), timeout=CONNECT_TIMEOUT).close()
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise SetupError(f"cluster={cluster}: {reason}; expected the address of a cluster that runs") from None
    settings: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if cluster == "local":
        settings |= {"include_dashboard": False, "num_cpus": _cores()}
    try:
        ray.init(address=cluster, **settings)
    except ConnectionError as error:
        if cluster == "auto":
            raise SetupError(
                "cluster=auto: no cluster runs here; expected one, started by `ray start`, or local"
            ) from None
        raise SetupError(f"cluster={cluster}: {one_line(str(error))[:120]}; expected a cluster of Ray") from None


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _handlers() -> dict[int, Any]:
    if threading.current_thread() is not threading.main_thread():
        return {}
    return {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}


def _handle(handlers: dict[int, Any]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)
