"""All measurements, in one SQLite file. This is the only package with SQL.

``schema`` has the migrations and ``connection`` the open :class:`Store`. Each table has a module of its own
(``machines``, ``measurements``, ``rounds``, ``peaks``, ``parts``, ``choices``, ``runs``, ``evaluations``) with
functions that write its rows and read them as values. To add a table:

1. Append a migration to ``schema.MIGRATIONS``; never change an earlier one. Give the table a column
   ``checksum TEXT NOT NULL DEFAULT ''``, which the connection fills. So that stores can be merged, also give it a
   universally unique ``uid`` (``keys.new_uid``), or a key that is a digest of named fields with a version
   (``keys.digest``).
2. Add its module, named for its rows, with functions ``keep_...`` and ``read_...`` that take the store first.
3. Add it to ``merging.TABLES``, after the tables that it refers to.

A new setting of :class:`Setup` is a column of ``measurement`` with a default, and a line in ``setup.LATER``.
"""

from typing import TYPE_CHECKING

from lambda_arch.lazy import lazy_names

if TYPE_CHECKING:
    from lambda_arch.store.case import Case
    from lambda_arch.store.connection import Store, default_path
    from lambda_arch.store.damage import check_store, find_damaged
    from lambda_arch.store.measurements import Measurement, find_measurements
    from lambda_arch.store.merging import merge
    from lambda_arch.store.setup import Setup
    from lambda_arch.store.statistics import Summary, summarize
    from lambda_arch.store.status import Status

_MODULES = {
    "Case": "case",
    "Measurement": "measurements",
    "Setup": "setup",
    "Status": "status",
    "Store": "connection",
    "Summary": "statistics",
    "check_store": "damage",
    "default_path": "connection",
    "find_damaged": "damage",
    "find_measurements": "measurements",
    "merge": "merging",
    "summarize": "statistics",
}

__all__ = [
    "Case",
    "Measurement",
    "Setup",
    "Status",
    "Store",
    "Summary",
    "check_store",
    "default_path",
    "find_damaged",
    "find_measurements",
    "merge",
    "summarize",
]

__getattr__, __dir__ = lazy_names(__name__, _MODULES)
