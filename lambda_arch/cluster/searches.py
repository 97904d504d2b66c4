"""Searching on a cluster: the latencies of a generation, or the trainings of a batch, at the same time."""

from pathlib import Path
from typing import Any

from lambda_arch.cluster.connection import connected
from lambda_arch.cluster.nodes import Nodes
from lambda_arch.cluster.progress import Progress
from lambda_arch.cluster.threads import kind_of, latency_threads
from lambda_arch.cluster.timings import Latencies, measure
from lambda_arch.cluster.trainings import train
from lambda_arch.searching.built_in_spaces import DEFAULT_SPACE
from lambda_arch.searching.exploration import Exploration
from lambda_arch.searching.exploration import explore as explore_here
from lambda_arch.searching.front import Front
from lambda_arch.searching.pareto_search import search as search_here
from lambda_arch.searching.search_space import Space
from lambda_arch.searching.space_file import read_space
from lambda_arch.store.setup import Setup
from lambda_arch.training import Data, NamedRecipe, Recipe, Runs


def search(
    space: Space | str = DEFAULT_SPACE,
    *,
    cluster: str = "local",
    resource: str = "",
    device: str = "cpu",
    threads: int = 0,
    record: Path | str | None = None,
    tasks: Progress = None,
    **arguments: Any,
) -> Front:
    """Search as :func:`lambda_arch.search` does with ``measure=True``, on the nodes of ``cluster``.

    See :func:`connected`. The networks of a generation are measured at the same time, each on one device; all nodes
    have to have the same device (by fingerprint), or those with the ``resource``: one of Ray's, or a device by name.
    ``tasks`` is called with the progress of a generation.

    Raises what :func:`lambda_arch.search` raises, and :class:`SetupError` without Ray or such a cluster, for nodes
    whose devices differ, and for measurements that failed; the others are kept.
    """
    kind = kind_of(device)
    chosen = read_space(space) if isinstance(space, str) else space
    with connected(cluster) as ray:
        threads = latency_threads(ray, cluster, threads) if kind == "cpu" else threads
        machine = None
        if record is not None:
            nodes = Nodes(ray, kind, resource, "machine")
            nodes.look([_any_of(chosen, Setup(kind, threads=threads))], lambda: None)
            machine = nodes.fingerprints.pop()

        def measured(networks: Any, **how: Any) -> Any:
            there: dict[str, Any] = {"cluster": cluster, "resource": resource, "alike": True, "progress": tasks}
            return measure(networks, **{**how, "device": kind}, **there)

        return search_here(
            chosen, measure=measured, machine=machine, device=kind, threads=threads, record=record, **arguments
        )


def _any_of(space: Space, setup: Setup) -> Latencies:
    """Return the latency of a network of a space, as a work that looks for nothing from before."""
    product = space.products[0]
    return Latencies((product.architecture([0] * len(product.slots)),), (), (setup,), False, {}, again="never done")


def explore(
    space: Space | str = DEFAULT_SPACE,
    data: Data | str | Path = "digits",
    recipe: Recipe | NamedRecipe | str = "digits",
    *,
    cluster: str = "local",
    resource: str = "",
    device: str = "cpu",
    limit_images: int | None = None,
    progress: Progress = None,
    **arguments: Any,
) -> Exploration:
    """Propose, train and learn as :func:`lambda_arch.explore` does; the networks of a batch train on ``cluster``.

    See :func:`connected`; ``data``, ``output`` and ``resource`` are as in :func:`lambda_arch.cluster.train`. Raises
    what the two raise.
    """
    kind = kind_of(device)

    def trained(architectures: Any, _: Data, named: NamedRecipe, **how: Any) -> Runs:
        there: dict[str, Any] = {"cluster": cluster, "resource": resource, "limit_images": limit_images}
        return train(architectures, data, named, **how, **there)  # nodes read the data themselves

    with connected(cluster):
        return explore_here(
            space, data, recipe, device=kind, limit_images=limit_images, train=trained, progress=progress, **arguments
        )
