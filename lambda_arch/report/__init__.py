"""Tables to the console, CSV, JSON, Markdown and LaTeX; files written whole."""

from lambda_arch.report.console import print_report
from lambda_arch.report.files import write_whole
from lambda_arch.report.formats import FORMATS, csv_text
from lambda_arch.report.table import Column, Report, Table, as_text, billions, millions, percent

__all__ = [
    "FORMATS",
    "Column",
    "Report",
    "Table",
    "as_text",
    "billions",
    "csv_text",
    "millions",
    "percent",
    "print_report",
    "write_whole",
]
