"""Plots written to files: the ending of the name chooses what draws them."""

from pathlib import Path

from lambda_arch.errors import LambdaArchError
from lambda_arch.files import atomic_write
from lambda_arch.reporting.plot import Plot
from lambda_arch.reporting.plot_html import html_page
from lambda_arch.reporting.plot_image import image

ENDINGS = (".html", ".png", ".svg", ".pdf")


def check_ending(path: Path) -> None:
    """Raise :class:`LambdaArchError` for a file whose ending is none of :data:`ENDINGS`."""
    if path.suffix.lower() not in ENDINGS:
        raise LambdaArchError(f"plot={path}: expected a file that ends in {', '.join(ENDINGS)}, or -")


def write_plot(plot: Plot, path: Path) -> None:
    """Write a plot to ``path``, whole or not at all.

    Raises :class:`LambdaArchError` for an ending that is none of :data:`ENDINGS`, and OSError.
    """
    check_ending(path)
    ending = path.suffix.lower()
    atomic_write(path, html_page(plot) if ending == ".html" else image(plot, ending[1:]))
