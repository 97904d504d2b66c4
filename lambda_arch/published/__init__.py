"""Published figures as data files, each with its source."""

from lambda_arch.published.tables import (
    Column,
    Known,
    PublishedRow,
    PublishedTable,
    all_tables,
    load_table,
    table_names,
)

__all__ = ["Column", "Known", "PublishedRow", "PublishedTable", "all_tables", "load_table", "table_names"]
