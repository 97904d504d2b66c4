"""Any torch module beside ours, and our networks in other programs.

Modules: ``references`` has the spelling (``FILE.py:FACTORY(width=64)``), ``inputs`` that of inputs
(``1,3,224,224:float16``), ``locating`` finds the file or package without running it, ``loading`` runs the user's code,
``counting`` counts with fvcore and torch side by side, ``handlers`` has the users' own formulas. Other programs:
``exporting`` writes files for them, ``keras_layer`` is what :mod:`lambda_arch.keras` has.
"""

from typing import TYPE_CHECKING

from lambda_arch.interop.verb import count
from lambda_arch.lazy import lazy_names

if TYPE_CHECKING:
    from lambda_arch.interop.counting import ModuleLedger, ModuleRow, count_module
    from lambda_arch.interop.exporting import Exported, export
    from lambda_arch.interop.handlers import handler_of
    from lambda_arch.interop.references import Reference, reference_to

__all__ = [
    "Exported",
    "ModuleLedger",
    "ModuleRow",
    "Reference",
    "count",
    "count_module",
    "export",
    "handler_of",
    "reference_to",
]

__getattr__, _ = lazy_names(
    __name__,
    {
        "Exported": "exporting",
        "ModuleLedger": "counting",
        "ModuleRow": "counting",
        "Reference": "references",
        "count_module": "counting",
        "export": "exporting",
        "handler_of": "handlers",
        "reference_to": "references",
    },
)
