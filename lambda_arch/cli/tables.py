"""``lambda-arch tables``."""

from pathlib import Path
from typing import Annotated

import typer

from lambda_arch.cli.output import Output, takes_output
from lambda_arch.comparing import Comparisons, compare
from lambda_arch.reporting import atomic_write
from lambda_arch.reporting.comparisons import comparison_report, files

FOLDER = Path("tables")
TableNames = Annotated[
    list[str] | None, typer.Argument(metavar="TABLE", help="Which tables. [default: all]", show_default=False)
]


@takes_output
def tables(
    *,
    names: TableNames = None,
    check: Annotated[bool, typer.Option("--check", help="Exit 1 when the folder of --out (tables/) is stale.")] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Count every row by all three books and compare them.")
    ] = False,
    output: Output,
) -> None:
    """Print the published tables with our counts; with a folder as --out, write a CSV file per table and an index."""
    comparisons = compare(names)
    if verify:
        _verify(comparisons, output)
    elif check:
        _check(comparisons, output.out or FOLDER, every=not names)
    elif output.out is not None and not output.out.suffix:
        _write_folder(comparisons, output.out, every=not names)
    else:
        output.show(comparison_report(comparisons))


def _texts(comparisons: Comparisons, every: bool) -> dict[str, str]:
    texts = files(comparisons)
    if not every:  # the index is of all tables
        del texts["README.md"]
    return texts


def _write_folder(comparisons: Comparisons, folder: Path, every: bool) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    texts = _texts(comparisons, every)
    for name, text in texts.items():
        atomic_write(folder / name, text)
    typer.echo(f"{len(texts)} files written to {folder}", err=True)


def _check(comparisons: Comparisons, folder: Path, every: bool) -> None:
    stale = []
    for name, text in _texts(comparisons, every).items():
        path = folder / name
        if not path.is_file() or path.read_bytes() != text.encode():
            stale.append(str(path))
    for each in stale:
        typer.echo(f"{each}: stale; `lambda-arch tables --out {folder}` regenerates it", err=True)
    if stale:
        raise typer.Exit(1)
    typer.echo(f"{folder}: up to date", err=True)


def _verify(comparisons: Comparisons, output: Output) -> None:
    from lambda_arch.cli.progress import track
    from lambda_arch.comparing.verification import architectures, verify_all
    from lambda_arch.reporting.counters import verification_report

    todo = architectures(comparisons)
    results = list(track(verify_all(todo), len(todo), "three books"))
    output.show(verification_report(results))
    if any(result.disagreements for result in results):
        raise typer.Exit(1)
