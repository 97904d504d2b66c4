"""The summary of the folder, as Markdown: the machine, the aims, every step, and what is skipped or left. No torch."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from benchmarks.gpu.folder import OK, Finished, Folder
from benchmarks.gpu.item import Row
from benchmarks.gpu.settings import Settings
from benchmarks.gpu.steps import STEPS, all_items
from lambda_arch.files import atomic_write

COLUMNS = {
    "ceilings": ("kind", "rate", "unit", "detail"),
    "evaluations": ("channels", "map", "batch", "dtype", "step", "evaluation", "auto", "status", "error_output",
                    "error_gradients", "error_element", "median_ms", "q1_ms", "q3_ms", "ratio_to_canonical", "reason"),
    "networks": ("batch", "dtype", "step", "name", "mode", "cudnn_benchmark", "status", "error", "median_ms", "q1_ms",
                 "q3_ms", "ratio", "baseline", "floor_ms", "times_floor", "sm_mhz", "throttled", "reason"),
}  # fmt: skip
"""The columns to show of a table's rows."""

PUBLISHED = ("mode", "batch", "dtype", "architecture", "status", "median_ms", "q1_ms", "q3_ms", "images_per_second",
             "ratio", "paper_ratio", "paper_mode", "peak_memory")  # fmt: skip
"""Those of published tables; of other tables, all."""

LAYER = ("channels", "map", "batch", "dtype", "step")
"""The columns that name what an evaluation was measured on."""

UNSHOWN = ("machine", "calibration")
"""Tables that the summary leaves to their CSV, or shows elsewhere."""


def write_summary(settings: Settings, folder: Folder) -> None:
    """Write summary.md and the tables anew from the finished items."""
    folder.write_tables()
    atomic_write(folder.path / "summary.md", "\n".join(_lines(settings, folder)) + "\n")
    folder.pack()


def _lines(settings: Settings, folder: Folder) -> Iterable[str]:
    done = list(folder.finished().values())
    yield "# Measured on a GPU" if not settings.dry else "# A dry run: tiny sizes, figures without meaning"
    yield ""
    yield from _machine(done)
    if not settings.dry:
        yield from ["", "## Aims", "", *_table([_aim_row(aim, done) for aim in AIMS])]
    yield from _choices(done)
    for step, title in STEPS.items():
        tables: dict[str, list[Row]] = {}
        for item in done:
            if item.step == step and item.table not in UNSHOWN and item.rows:
                tables.setdefault(item.table, []).extend(item.rows)
        for name, rows in tables.items():
            yield from ["", f"## {title}: {name}", "", *_table(rows, PUBLISHED if step == 5 else COLUMNS.get(name))]
    yield from _unfinished(settings, done)


def _machine(done: Sequence[Finished]) -> Iterable[str]:
    rows = [row for item in done if item.table == "machine" for row in item.rows]
    if not rows:
        yield "No machine was described yet."
        return
    row = rows[0]
    missing = [name for name, value in row.items() if value == ""]
    named = ("device_name", "driver", "cuda", "cudnn", "torch", "triton", "python", "host_cpu", "host_cores", "package")
    yield "; ".join(f"{name} {row[name]}" for name in named if row.get(name))
    if missing:
        yield f"\nNot there: {', '.join(missing)}."


@dataclass(frozen=True)
class Aim:
    """An aim: what is measured, the limit, whether more is better, and how it follows from the items."""

    text: str
    limit: float
    more: bool
    value: Callable[[Sequence[Finished]], float | None]


def _aim_row(aim: Aim, done: Sequence[Finished]) -> Row:
    value = aim.value(done)
    met = None if value is None else (value >= aim.limit if aim.more else value <= aim.limit)
    verdict = {None: "not measured", True: "met", False: "missed"}[met]
    sign = "at least" if aim.more else "at most"
    shown = "" if value is None else f"{value:.3g}"
    return {"aim": aim.text, "limit": f"{sign} {aim.limit:g}", "measured": shown, "verdict": verdict}


def _networks(done: Sequence[Finished], step: str) -> list[Row]:
    """Return the timed rows of the largest batch in bf16."""
    rows = [row for row in _rows(done, "networks") if row.get("median_ms")]
    rows = [row for row in rows if row["step"] == step and row["dtype"] == "bf16"]
    batch = max((row["batch"] for row in rows), default=0)
    return [row for row in rows if row["batch"] == batch]


def _fastest(rows: Sequence[Row], *names: str) -> float | None:
    return min((row["median_ms"] for row in rows if row["name"].startswith(names)), default=None)


def _fastest_ratio(
    step: str, ours: tuple[str, ...], theirs: tuple[str, ...]
) -> Callable[[Sequence[Finished]], float | None]:
    def value(done: Sequence[Finished]) -> float | None:
        rows = _networks(done, step)
        a, b = _fastest(rows, *ours), _fastest(rows, *theirs)
        return a / b if a and b else None

    return value


def _prediction_error(done: Sequence[Finished]) -> float | None:
    errors = [abs(row["error"]) for row in _rows(done, "predictions") if row.get("error") is not None]
    return 100 * max(errors) if errors else None


def _wrong(done: Sequence[Finished]) -> float | None:
    rows = [row for row in _rows(done, "evaluations") if row["dtype"] in ("bf16", "fp16")]
    return float(sum(row["status"] not in ("ok", "oom") for row in rows)) if rows else None


def _failed_tests(done: Sequence[Finished]) -> float | None:
    rows = _rows(done, "tests")
    return float(sum(row["status"] == "failed" for row in rows)) if rows else None


def _rows(done: Sequence[Finished], table: str) -> list[Row]:
    return [row for item in done if item.table == table for row in item.rows]


def _choices(done: Sequence[Finished]) -> Iterable[str]:
    """Yield how far the cost model's choice is from the fastest evaluation of each layer."""
    layers: dict[tuple[object, ...], list[Row]] = {}
    for row in _rows(done, "evaluations"):
        if row.get("median_ms") and row.get("ratio_to_canonical"):
            layers.setdefault(tuple(row[name] for name in LAYER), []).append(row)
    found = []
    for layer, rows in layers.items():
        best = min(rows, key=lambda row: row["ratio_to_canonical"])
        chosen = next((row for row in rows if row.get("auto")), None)
        if chosen is not None:
            found.append({**dict(zip(LAYER, layer, strict=True)), "auto": chosen["evaluation"],
                          "fastest": best["evaluation"], "fastest_ms": best["median_ms"],
                          "auto_over_fastest": chosen["ratio_to_canonical"] / best["ratio_to_canonical"]})  # fmt: skip
    if found:
        yield from ["", "## The cost model's choices", "", *_table(found)]


OURS, PEERS, PLAIN = (
    ("canonical", "auto", "measured", "prepared"),
    ("lambda-networks", "d-li14", "leaderj1001"),
    ("resnet50",),
)

AIMS = (
    Aim("LambdaResNet-50 over ResNet-50, inference, bf16, the fastest of each", 2.0, False,
        _fastest_ratio("inference", OURS, PLAIN)),
    Aim("public implementations over ours, inference, bf16, the fastest of each", 4.0, True,
        _fastest_ratio("inference", PEERS, OURS)),
    Aim("CCLL over ResNet-50, inference, bf16, the fastest of each", 1.2, False,
        _fastest_ratio("inference", ("CCLL",), PLAIN)),
    Aim("training step over ResNet-50's, bf16, the fastest of each", 2.5, False,
        _fastest_ratio("training", OURS, PLAIN)),
    Aim("largest error of a predicted latency, %", 5.0, False, _prediction_error),
    Aim("evaluations that fail, are wrong or not finite in bf16 and fp16", 0.0, False, _wrong),
    Aim("files of CUDA tests that fail", 0.0, False, _failed_tests),
)  # fmt: skip


def _unfinished(settings: Settings, done: Sequence[Finished]) -> Iterable[str]:
    keys = {item.key for item in done}
    rows: list[Row] = [
        {"item": item.key, "status": item.status, "reason": item.reason} for item in done if item.status != OK
    ]
    rows += [{"item": item.key, "status": "left", "reason": "a further call with this folder"}
             for item in all_items(settings.sizes) if item.key not in keys]  # fmt: skip
    if rows:
        yield from ["", "## Not measured", "", *_table(rows)]


def _table(rows: Sequence[Row], columns: Sequence[str] | None = None) -> list[str]:
    names = list(dict.fromkeys(name for row in rows for name in row if columns is None or name in columns))
    lines = [[_text(row.get(name)) for name in names] for row in rows]
    return ["| " + " | ".join(line) + " |" for line in (names, ["---"] * len(names), *lines)]


def _text(value: object) -> str:
    if value is None:
        return ""
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return text.replace("|", "\\|")
