"""Step 5: published tables of speeds, measured beside the paper, as `lambda-arch time --table` does."""

from dataclasses import replace
from functools import partial

from benchmarks.gpu.item import Item, Row
from benchmarks.gpu.settings import Settings, Sizes

FIRST = ("hybrid_stages", "c4_lambda_count")
LATER = ("layer_memory", "pareto_figure3")
SECONDS = {"hybrid_stages": 150.0, "c4_lambda_count": 180.0, "layer_memory": 150.0, "pareto_figure3": 360.0}
EVALUATION, DTYPE = "auto", "bf16"


def items(sizes: Sizes) -> list[Item]:
    """Return the tables of whole hybrids."""
    return [_item(name, sizes) for name in FIRST]


def further(sizes: Sizes) -> list[Item]:
    """Return the tables that take longest."""
    return [_item(name, sizes) for name in LATER]


def _item(name: str, sizes: Sizes) -> Item:
    return Item(5, f"table {name}", name, SECONDS[name], partial(measure_rows, name))


def measure_rows(name: str, settings: Settings) -> list[Row]:
    """Measure a table into the folder's store; what an earlier call measured is reused."""
    from benchmarks.gpu.folder import Folder
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
    found = measure_table(
        replace(table, rows=rows),
        store=Folder(settings.out).store,
        device=settings.device,
        batch_size=sizes.table_batch,
        dtype="fp32" if settings.dry else DTYPE,
        evaluation=EVALUATION,
        seconds=sizes.seconds,
        timeout=SECONDS[name] / 2,
    )
    return table_rows(found)
