"""Step 5: published tables of speeds, measured beside the paper, as `lambda-arch time --table` does."""

from dataclasses import replace
from functools import partial

from benchmarks.gpu.item import Item, Row
from benchmarks.gpu.settings import Settings, Sizes

PLANNED = {"hybrid_stages": 35.0, "c4_lambda_count": 60.0, "layer_memory": 35.0, "pareto_figure3": 240.0}
"""Seconds of each table."""
DTYPES = {"inference": "fp32", "train": "bf16"}
"""Our choice of a dtype for each mode: the published figures as we keep them do not name the precision."""


def items(sizes: Sizes) -> list[Item]:
    """Return the tables of whole hybrids, as printed."""
    return [_item("hybrid_stages", "inference", "bf16", sizes), _item("c4_lambda_count", "train", "bf16", sizes)]


def further(sizes: Sizes) -> list[Item]:
    """Return what takes longest, and the tables in their other mode or dtype."""
    return [
        _item("hybrid_stages", "inference", DTYPES["inference"], sizes),
        _item("layer_memory", "inference", DTYPES["inference"], sizes),
        _item("hybrid_stages", "train", DTYPES["train"], sizes),
        _item("pareto_figure3", "train", DTYPES["train"], sizes),
        _item("layer_memory", "train", DTYPES["train"], sizes),
        _item("c4_lambda_count", "inference", DTYPES["inference"], sizes),
        _item("pareto_figure3", "inference", DTYPES["inference"], sizes),
    ]


def _item(name: str, mode: str, dtype: str, sizes: Sizes) -> Item:
    batch = sizes.table_batches[mode == "train"]
    planned = PLANNED[name]
    run = partial(measure_rows, name, mode, dtype, batch)
    return Item(5, f"table {name} {mode} batch {batch} {dtype}", name, planned, 2.5 * planned, run)


def measure_rows(name: str, mode: str, dtype: str, batch: int, settings: Settings) -> list[Row]:
    """Measure a table into the folder's store; what an earlier call measured is reused.

    ``paper_ratio`` is that of the mode that was printed, whatever ``mode`` is.
    """
    from benchmarks.gpu.folder import Folder
    from benchmarks.gpu.own_process import in_own_process
    from lambda_arch.comparing.speeds import measure_table, table_rows, timed_table

    sizes = settings.sizes
    table = timed_table(name)
    rows = table.rows[: sizes.table_rows]
    if sizes.table_side:
        rows = tuple(
            replace(row, architecture=replace(row.architecture, image_size=sizes.table_side),
                    baseline=replace(row.baseline, image_size=sizes.table_side))
            for row in rows
        )  # fmt: skip
    with in_own_process():
        found = measure_table(
            replace(table, rows=rows),
            mode=mode,
            store=Folder(settings.out).store,
            device=settings.device,
            batch_size=batch,
            dtype="fp32" if settings.dry else dtype,
            evaluation="auto",
            seconds=sizes.seconds / 2,
        )
    return [{**row, "paper_mode": table.mode} for row in table_rows(found)]
