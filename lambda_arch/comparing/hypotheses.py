"""Hypotheses about a printed figure: single changes to the network that was counted, or to the way of counting."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

from lambda_arch.arch import Architecture, ArchitectureError, ResNet, configure, parse, read_settings
from lambda_arch.comparing.comparison import ledger
from lambda_arch.comparing.grid import BODIES, CLASSES, IMAGE_SIZES, Grid, H, K, M, U
from lambda_arch.published import PublishedTable, all_tables

LAMBDA_SETTINGS = ("k", "h", "u", "m")


@dataclass(frozen=True)
class Hypothesis:
    """One change: in words, and the count that it gives for an architecture (None if it does not apply)."""

    label: str
    count: Callable[[Architecture], int | None]
    convention: bool = False  # a way of counting, which must hold for the whole column
    borrowed: bool = False  # of another row: several settings at once, for one row alone


def hypotheses(architecture: Architecture, quantity: str, printed: Collection[str]) -> list[Hypothesis]:
    """Return the hypotheses about a figure of ``quantity`` (``params`` or ``macs``) of ``architecture``.

    No hypothesis changes a setting that the row itself states: ``printed`` holds the names of its keys.
    """
    found = list(_conventions(quantity))
    if quantity == "macs" and "image_size" not in printed:
        sizes = (size for size in IMAGE_SIZES if size != architecture.image_size)
        found += [_changed(quantity, f"images of {size}x{size}", "", size) for size in sizes]
    if isinstance(architecture, ResNet):
        options = {label: text for label, text in single_changes(architecture) if not _names(text) & set(printed)}
        found += [_changed(quantity, label, text) for label, text in options.items()]
    return found


def default_settings(
    architecture: Architecture, quantity: str, defaults: str, known: Sequence[Architecture]
) -> list[Hypothesis]:
    """Return the hypothesis that a row was built with its code's ``defaults``, unless another row was (``known``)."""
    if "L" not in architecture.letters or _configured(architecture, defaults) in (*known, architecture, None):
        return []
    return [_changed(quantity, f"the code's defaults: {defaults.replace(',', ', ')}", defaults)]


def settings_of_other_rows(
    architecture: Architecture, quantity: str, table: PublishedTable, known: Sequence[Architecture]
) -> list[Hypothesis]:
    """Return the hypotheses that a row was built with the lambda settings of another published row.

    Rows of its own table, and of others where it prints no lambda settings itself; what is another row of its column
    already (``known``) is left out, as the number of that row says it.
    """
    if "L" not in architecture.letters:
        return []
    found: dict[Architecture, Hypothesis] = {}
    printed = set(LAMBDA_SETTINGS) & set(table.keys)
    for name, row, options in _published_settings():
        changed = None if printed and name != table.name else _configured(architecture, options)
        if changed is not None and changed not in (*known, architecture) and changed not in found:
            label = f"{options.replace(',', ', ')}, as row {row} of {name}"
            found[changed] = replace(_changed(quantity, label, options), borrowed=True)
    return list(found.values())


def _configured(architecture: Architecture, options: str) -> Architecture | None:
    try:
        return configure(architecture, read_settings(options))
    except ArchitectureError:
        return None


@cache
def _published_settings() -> tuple[tuple[str, str, str], ...]:
    """Return the lambda settings of every published row: its table, its keys and the settings as options."""
    found = []
    for table in all_tables():
        for row in table.rows:
            architecture = parse(row.architecture) if row.architecture else None
            if isinstance(architecture, ResNet) and "L" in architecture.letters:
                usual = architecture.most_common_lambda()
                options = ",".join(f"{name}={getattr(usual, name)}" for name in LAMBDA_SETTINGS)
                found.append((table.name, "/".join(row.cells[key] for key in table.keys if row.cells[key]), options))
    return tuple(found)


def _conventions(quantity: str) -> Iterator[Hypothesis]:
    if quantity == "params":
        yield Hypothesis("batch-norm statistics counted", with_statistics, convention=True)
    else:
        yield Hypothesis("FLOPs, 2 x MACs", lambda each: ledger(each).flops, convention=True)
        yield Hypothesis(
            "fvcore's total, norms and pooling counted", lambda each: ledger(each).fvcore_flops, convention=True
        )


def with_statistics(architecture: Architecture) -> int:
    """Return the parameters of a network with the running statistics of its norms."""
    of = ledger(architecture)  # a norm has as many running means and variances as weights and biases
    return of.params + sum(row.params for row in of.rows if row.kind == "norm")


def _changed(quantity: str, label: str, options: str, image_size: int | None = None) -> Hypothesis:
    def recount(architecture: Architecture) -> int | None:
        try:
            changed = configure(architecture, read_settings(options), image_size)
        except ArchitectureError:  # it cannot be built there
            return None
        return None if changed == architecture else int(getattr(ledger(changed), quantity))

    return Hypothesis(label, recount)


def single_changes(architecture: ResNet) -> Iterator[tuple[str, str]]:
    """Yield single changes of a network, each in words and as options."""
    for pattern in Grid(architecture.depth).patterns:
        yield f"stages={pattern}", f"stages={pattern}"
    for name, values in (("k", K), ("h", H), ("u", U)):
        yield from ((f"{name}={value}", f"{name}={value}") for value in values)
    for scope in M:
        yield f"scope {f'{scope}x{scope}' if scope else 'global'}", f"m={scope or 'global'}"
    for body in ("stem=7x7", *BODIES[1:]):
        if "," not in body or "stem" not in body:  # combinations with stems come from the recipes below
            yield body, f"se=0,{body}" if body.startswith("c2.") else body  # squeeze-excitation in these stages only
    for bias in ("shortcut_bias", "lambda_bias"):
        yield from ((f"{bias}={answer}", f"{bias}={answer}") for answer in ("yes", "no"))
    yield from ((f"{number} classes", f"classes={number}") for number in CLASSES)
    yield from _recipes()


@cache
def _recipes() -> tuple[tuple[str, str], ...]:
    """Return the combinations of changes (stem, squeeze-excitation, stages) in published rows, each as one change."""
    found: dict[str, str] = {}
    for table in all_tables():
        for row in table.rows:
            options = _row_options(row.architecture)
            if "stem" in _names(options):
                which = " ".join(row.cells[key] for key in table.keys if key not in ("depth", "image_size"))
                found.setdefault(options, f"as {which!r} of {table.name}: {options.replace(',', ', ')}")
    return tuple((label, options) for options, label in found.items())


def _row_options(architecture: str) -> str:
    """Return the options of an architecture's canonical name, without its base name and image size."""
    return str(parse(architecture)).partition("@")[0].partition(":")[2] if architecture else ""


def _names(options: str) -> set[str]:
    """Return the options that a text sets, by their bare names."""
    return {part.partition("=")[0].rpartition(".")[2] for part in options.split(",") if part}
