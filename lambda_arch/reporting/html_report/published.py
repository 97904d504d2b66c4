"""What was published, and how it compares with our counts: verdicts, tables, the audit, and the paper's Figure 3."""

import html
from collections.abc import Iterator

from lambda_arch.comparing import Comparison, audit, compare
from lambda_arch.comparing.comparison import ComparedRow
from lambda_arch.comparing.verdict import AGREES, DIFFERS, NOT_BUILDABLE, ONE_DIGIT, TRUNCATED, Verdict
from lambda_arch.published import Column
from lambda_arch.reporting import report_of
from lambda_arch.reporting.html_report.section import Section, copy_button, drawn, missing, table_element, tables
from lambda_arch.reporting.plots.plot import SYMBOLS, Plot, Series
from lambda_arch.timing.measuring import Timing

MARKS = {AGREES: "✓", TRUNCATED: "✓", ONE_DIGIT: "±", DIFFERS: "✗", NOT_BUILDABLE: "-"}
KINDS = {AGREES: "agrees", TRUNCATED: "truncated", ONE_DIGIT: "digit", DIFFERS: "differs", NOT_BUILDABLE: "none"}
COMMANDS = {"params": "params", "macs": "flops"}
FIGURE_3 = "pareto_figure3"
IMAGES = 1024  # of a step in Figure 3


def verdicts() -> Section:
    """Return the matrix of all printed figures: one line per table, one mark per figure."""
    rows = []
    for comparison in compare():
        marks = "".join(_marks(comparison))
        if marks:
            name = comparison.table.name
            rows.append(f'<tr><th scope="row"><a href="#table-{name}">{name}</a></th><td>{marks}</td></tr>')
    key = " ".join(
        f'<span class="verdict {KINDS[verdict]}">{mark}</span> {html.escape(verdict)}'
        for verdict, mark in MARKS.items()
    )
    body = (
        "<p>One mark per printed figure that can be counted. Point at a mark, or move to it with the keyboard, for the "
        "printed figure, ours and the reason; press it to copy the command that shows it.</p>"
        f'<p class="key">{key}</p><table class="matrix">{"".join(rows)}</table>'
    )
    return Section("verdicts", "Published figures and our counts", body)


def _marks(comparison: Comparison) -> Iterator[str]:
    columns = {column.name: column for column in comparison.table.columns}
    for row in comparison.rows:
        for name, verdict in row.verdicts.items():
            if verdict.verdict in MARKS:
                yield _mark(comparison, row, columns[name], verdict)


def _mark(comparison: Comparison, row: ComparedRow, column: Column, verdict: Verdict) -> str:
    keys = ", ".join(f"{key} {row.published.cells[key]}" for key in comparison.table.keys)
    ours = "" if verdict.ours is None else f", ours {verdict.ours:,}"
    reason = f". {verdict.reason}" if verdict.reason else ""
    figure = f"{column.label} {verdict.printed} {column.unit}"
    tip = f"{comparison.table.name}, {keys}: {figure}{ours}: {verdict.verdict}{reason}"
    command = COMMANDS.get(column.quantity)
    network = row.published.architecture
    text = (
        f"lambda-arch {command} '{network}'" if command and network else f"lambda-arch tables {comparison.table.name}"
    )
    return copy_button(text, MARKS[verdict.verdict], tip, f"verdict {KINDS[verdict.verdict]}")


def published_tables() -> Section:
    """Return every published table."""
    body = []
    for comparison in compare():
        shown = "".join(table_element(table, fold=True) for table in report_of(comparison).tables)
        name = comparison.table.name
        about = html.escape(comparison.table.about)
        body.append(f'<div id="table-{name}"><h3>{name}</h3><p>{about}</p>{shown}</div>')
    return Section("tables", "All published tables", "\n".join(body))


def findings() -> Section:
    """Return the audit: which hypotheses give the figures that differ."""
    return Section("audit", "Why printed figures differ", tables(report_of(audit())))


def speed_and_accuracy(timings: list[Timing]) -> Section:
    """Return the paper's Figure 3, and the same networks over training steps measured here."""
    comparison = compare(FIGURE_3)
    printed = [
        (row, float(row.published.cells["seconds_per_1024"]))
        for row in comparison.rows
        if row.published.cells["seconds_per_1024"]
    ]
    body = drawn(_families("As printed: the paper's Figure 3, on 32 TPUv3 cores", printed), title=True)
    trained = [t.measurement for t in timings if t.measurement.setup.mode == "train" and t.measurement.summary]
    devices = dict.fromkeys((m.fingerprint, str(m.setup), str(m.machine["device_name"])) for m in trained)
    shown = 0
    for fingerprint, setup, device in devices:
        found = {
            m.architecture: m.summary.median * IMAGES / m.setup.batch_size
            for m in trained
            if (m.fingerprint, str(m.setup)) == (fingerprint, setup) and m.summary
        }
        ours = [
            (row, found[row.published.architecture]) for row in comparison.rows if row.published.architecture in found
        ]
        if len(ours) > 1:
            shown += 1
            body += drawn(_families(f"Measured: training steps on {device}, {setup}; accuracies as printed", ours))
    if not shown:
        body += missing(
            "No training steps of these networks were measured here:", f"lambda-arch time --table {FIGURE_3}"
        )
    return Section("figure-3", "Speed and accuracy", body)


def _families(title: str, rows: list[tuple[ComparedRow, float]]) -> Plot:
    families: dict[str, list[tuple[float, float, str, str]]] = {}
    for row, seconds in rows:
        cells = row.published.cells
        text = f"{row.published.architecture}\n{seconds:.3g} s per {IMAGES} images, printed top-1 {cells['top1']} %"
        found = families.setdefault(cells["family"], [])
        found.append((seconds, float(cells["top1"]), row.published.architecture, text))
    series = tuple(
        Series(
            family,
            SYMBOLS[i % len(SYMBOLS)],
            tuple((x, y) for x, y, _, _ in sorted(found)),
            tuple(name for _, _, name, _ in sorted(found)),
            tuple(text for *_, text in sorted(found)),
            line=True,
        )
        for i, (family, found) in enumerate(families.items())
    )
    return Plot(title, (), (f"seconds per training step of {IMAGES} images", "top-1 (%), printed"), 0, 1, series)
