"""Reports of ledgers: totals, parts and modules."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lambda_arch.costs import Ledger
from lambda_arch.reporting.table import Column, Report, Table, billions, millions, percent

if TYPE_CHECKING:
    from lambda_arch.costs import Counts

TRAINING = "FLOPs = 2 x MACs, of the forward and the backward pass in the canonical evaluation, without the optimizer."
FIRST = 20  # how many of many architectures are shown

ARCHITECTURE = Column("architecture", align="left")
IMAGE_SIZE = Column("image_size", "image")
PARAMS = Column("params")
MACS = Column("macs", "MACs")
FLOPS = Column("flops", "FLOPs")
FVCORE = Column("fvcore_flops", "fvcore total")
BACKWARD = Column("backward_macs", "backward MACs")
MODE = Column("mode")
ACTIVATIONS = Column("activations")


def costs_report(ledgers: Sequence[Ledger], quantity: str, published: Mapping[str, Table]) -> Report:
    """Return the costs of one or several architectures, by part; ``quantity`` is ``params`` or ``macs``.

    ``published`` has the tables of published figures, by architecture.
    """
    tables = []
    for ledger in ledgers:
        tables.append(_parts(ledger, quantity))
        tables += [published[ledger.architecture]] if ledger.architecture in published else []
    data = [_data(ledger, quantity) for ledger in ledgers]
    flat = _flat(ledgers) if quantity == "params" else _flat_parts(ledgers)
    return Report(tables, flat, data[0] if len(data) == 1 else data)


def totals_report(ledgers: Sequence[Ledger]) -> Report:
    """Return one row per architecture: its totals."""
    flat = _flat(ledgers)
    return Report([flat], flat, [dict(row) for row in flat.rows])


def ledger_report(ledger: Ledger) -> Report:
    """Return the whole ledger: one row per module, and the total."""
    trains = ledger.mode == "train"
    rows = [
        {
            **{name: value for name, value in row._asdict().items() if name != "backward_macs" or trains},
            "flops": row.flops,
            "activations": row.activations,
            "macs_share": row.macs / ledger.macs,
            "params_share": row.params / ledger.params,
        }
        for row in ledger.rows
    ]
    mega = Column("macs", "MACs (M)", show=millions)
    backward = [Column("backward_macs", "backward (M)", show=millions)] if trains else []
    share = Column("macs_share", "of MACs", show=percent)
    shown = [
        Column("path", "module", "left"),
        Column("shape", "output", show=_per_image),
        PARAMS,
        mega,
        *backward,
        share,
    ]
    total = {**ledger.as_dict(), "path": "total", "macs_share": 1.0}
    table = Table(shown, [*rows, total], _title(ledger), [TRAINING] if trains else [], total=True)
    flat = [
        Column("path"),
        Column("kind"),
        Column("shape"),
        PARAMS,
        MACS,
        FLOPS,
        BACKWARD if trains else FVCORE,
        ACTIVATIONS,
        Column("params_share"),
        share,
    ]
    return Report([table], Table(flat, rows), {**ledger.as_dict(), "rows": rows})


def ledgers_report(ledgers: Sequence[Ledger]) -> Report:
    """Return several whole ledgers: a table each, and flat all their rows, with the architecture."""
    reports = [ledger_report(ledger) for ledger in ledgers]
    rows = [
        {"architecture": ledger.architecture, **row}
        for ledger, report in zip(ledgers, reports, strict=True)
        for row in report.flat.rows
    ]
    tables = [table for report in reports for table in report.tables]
    return Report(tables, Table([ARCHITECTURE, *reports[0].flat.columns], rows), [report.data for report in reports])


def counts_report(counts: "Counts") -> Report:
    """Return the costs of the first of many architectures."""
    columns = [PARAMS, MACS, FLOPS, FVCORE, ACTIVATIONS]
    arrays = {column.name: getattr(counts, column.name).ravel() for column in columns}
    of_all = counts.params.size
    rows = [{name: int(values[i]) for name, values in arrays.items()} for i in range(min(of_all, FIRST))]
    title = f"{of_all:,} architectures" + (f", the first {FIRST}" if of_all > FIRST else "")
    return Report([Table(columns, rows, title)], Table(columns, rows), rows)


def list_report(entries: Sequence[tuple[str, str, Ledger]]) -> Report:
    """Return named architectures: name, source, ledger."""
    rows = [{"name": name, **ledger.as_dict(), "source": source} for name, source, ledger in entries]
    human = [
        Column("name", align="left"),
        IMAGE_SIZE,
        Column("params", "params (M)", show=millions),
        Column("macs", "MACs (G)", show=billions),
        Column("source", align="left"),
    ]
    flat = [Column("name"), ARCHITECTURE, IMAGE_SIZE, PARAMS, MACS, FLOPS, Column("source")]
    return Report([Table(human, rows)], Table(flat, rows), rows)


def _per_image(shape: tuple[int, ...] | None) -> str:
    return "x".join(map(str, shape[1:])) if shape else ""


def _title(ledger: Ledger) -> str:
    size = ledger.image_size
    return f"{ledger.architecture.partition('@')[0]} at {size}x{size}"


def _parts(ledger: Ledger, quantity: str) -> Table:
    rows: list[dict[str, Any]] = [
        {"part": part, **of_part.as_dict(), "share": getattr(of_part, quantity) / getattr(ledger, quantity)}
        for part, of_part in ledger.by_part().items()
    ]
    rows.append({"part": "total", **ledger.as_dict(), "share": 1.0})
    part, share = Column("part", "", "left"), Column("share", show=percent)
    columns = [part, PARAMS, share] if quantity == "params" else [part, *_operations(ledger), share]
    forward = "FLOPs = 2 x MACs; fvcore's own total also counts norms and pooling."
    notes = [] if quantity == "params" else [TRAINING if ledger.mode == "train" else forward]
    return Table(columns, rows, _title(ledger), notes, total=True)


def _operations(ledger: Ledger) -> list[Column]:
    return [MACS, FLOPS, BACKWARD if ledger.mode == "train" else FVCORE]


def _flat(ledgers: Sequence[Ledger]) -> Table:
    columns = [ARCHITECTURE, IMAGE_SIZE, PARAMS, MACS, FLOPS]
    columns += [BACKWARD, MODE] if ledgers and ledgers[0].mode == "train" else []
    return Table(columns, [ledger.as_dict() for ledger in ledgers])


def _flat_parts(ledgers: Sequence[Ledger]) -> Table:
    columns = [ARCHITECTURE, IMAGE_SIZE, Column("part"), PARAMS, *_operations(ledgers[0]), ACTIVATIONS]
    columns += [MODE] if ledgers[0].mode == "train" else []
    rows = [
        {**of_part.as_dict(), "part": part}
        for ledger in ledgers
        for part, of_part in {**ledger.by_part(), "total": ledger}.items()
    ]
    return Table(columns, rows)


def _data(ledger: Ledger, quantity: str) -> dict[str, Any]:
    data = ledger.as_dict()
    if quantity == "macs":
        names = ["params", "macs", "flops", "fvcore_flops", "activations"]
        names += ["backward_macs"] if ledger.mode == "train" else []
        data["parts"] = {part: {name: getattr(of, name) for name in names} for part, of in ledger.by_part().items()}
    return data
