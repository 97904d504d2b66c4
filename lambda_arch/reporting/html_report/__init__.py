"""The HTML report: one self-contained page with everything that is known, from the same tables as the commands."""

from typing import TYPE_CHECKING

from lambda_arch.lazy import lazy_names

if TYPE_CHECKING:
    from lambda_arch.reporting.html_report.page import html_report
    from lambda_arch.reporting.html_report.section import Section

__all__ = ["Section", "html_report"]

__getattr__, __dir__ = lazy_names(__name__, {"Section": "section", "html_report": "page"})
