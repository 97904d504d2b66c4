"""Measured latencies beside the rows of a table of detectors: of the same networks at the detectors' image size."""

from dataclasses import replace

from lambda_arch.arch import Architecture, configured
from lambda_arch.comparing.comparison import Comparison, Comparisons, row_architecture
from lambda_arch.store import Measurement, Store, find_measurements


def with_latencies(comparisons: Comparisons, store: Store) -> Comparisons:
    """Return the comparisons with the newest measurement of each backbone that ``store`` has.

    It is of one image in inference, of the whole classifier at the detectors' image size.
    """
    if all(each.table.detector_image_size is None for each in comparisons):
        return comparisons
    newest = {
        (each.architecture, each.image_size): each
        for each in find_measurements(store)
        if each.summary and each.setup.mode == "inference" and each.setup.batch_size == 1 and not each.source
    }
    return Comparisons(tuple(_with_latencies(each, newest) for each in comparisons))


def _with_latencies(comparison: Comparison, newest: dict[tuple[str, int | None], Measurement]) -> Comparison:
    size = comparison.table.detector_image_size
    if size is None:
        return comparison
    rows = []
    for row in comparison.rows:
        network: Architecture | None = row_architecture(row.published)
        at_size = network and configured(network, size)
        rows.append(replace(row, latency=newest.get((str(at_size), size))))
    return replace(comparison, rows=tuple(rows))
