"""Results as tables (on the console, as CSV, JSON, Markdown, LaTeX and HTML) and as plots."""

from lambda_arch.reporting.console import print_report, to_text
from lambda_arch.reporting.dispatch import report_of
from lambda_arch.reporting.formats import FORMATS, csv_text, to_html
from lambda_arch.reporting.table import Column, Report, Table, as_text, billions, millions, percent

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
    "report_of",
    "to_html",
    "to_text",
]
