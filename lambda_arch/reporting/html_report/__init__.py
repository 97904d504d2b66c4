"""The HTML report: one self-contained page with everything that is known, from the same tables as the commands."""

from lambda_arch.lazy import lazy_names

__all__ = ["Section", "html_report"]

__getattr__, __dir__ = lazy_names(__name__, {"Section": "section", "html_report": "page"})
