"""Plots written to files, whose suffix selects the format."""

from pathlib import Path

from lambda_arch.errors import LambdaArchError
from lambda_arch.files import atomic_write
from lambda_arch.reporting.plots.image import COLUMN
from lambda_arch.reporting.plots.plot import AnyPlot

ENDINGS = (".html", ".png", ".svg", ".pdf")


def check_ending(path: Path) -> None:
    """Raise :class:`LambdaArchError` for a suffix other than :data:`ENDINGS`."""
    if path.suffix.lower() not in ENDINGS:
        raise LambdaArchError(f"plot={path}: expected a file that ends in {', '.join(ENDINGS)}, or -")


def write_plot(plot: AnyPlot, path: Path | str, width: float = COLUMN) -> None:
    """Write a ``plot`` to ``path``, whole or not at all; images are ``width`` inches wide.

    Raises :class:`LambdaArchError` for a suffix other than :data:`ENDINGS`, and OSError.
    """
    from lambda_arch.reporting.plots.image import image
    from lambda_arch.reporting.plots.page import html_page

    path = Path(path)
    check_ending(path)
    ending = path.suffix.lower()
    atomic_write(path, html_page(plot) if ending == ".html" else image(plot, ending[1:], width))
