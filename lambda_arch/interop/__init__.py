"""Networks in other programs: files for them (``exporting``), and their runtimes (``runtimes``)."""

from typing import TYPE_CHECKING

from lambda_arch.lazy import lazy_names

if TYPE_CHECKING:
    from lambda_arch.interop.exporting import Exported, export

__all__ = ["Exported", "export"]

__getattr__, _ = lazy_names(__name__, {"Exported": "exporting", "export": "exporting"})
