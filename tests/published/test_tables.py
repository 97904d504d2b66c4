from decimal import Decimal

import pytest

from lambda_arch.arch import parse
from lambda_arch.errors import LambdaArchError
from lambda_arch.published import all_tables, load_table, table_names

TABLES = list(all_tables())


def test_every_published_table_is_there():
    assert len(table_names()) >= 15
    assert sum(len(table.rows) for table in TABLES) >= 110


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_table_is_whole(table):
    assert table.title
    assert table.about
    assert table.rows
    for column in table.columns:
        assert column.source, column.name
        assert any(row.cells[column.name] for row in table.rows), column.name
        for row in table.rows:
            if row.cells[column.name] not in ("", "OOM"):
                Decimal(row.cells[column.name])
    for row in table.rows:
        if row.architecture:
            parse(row.architecture)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_known_disagreements_speak_of_rows_that_are_there(table):
    for known in table.known:
        assert known.column in {column.name for column in table.columns}
        matching = [row for row in table.rows if all(row.cells[key] == value for key, value in known.where.items())]
        assert matching, known


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_keys_identify_the_rows(table):
    keys = [tuple(row.cells[key] for key in table.keys) for row in table.rows]
    assert len(set(keys)) == len(keys)


def test_keys_are_the_columns_without_figures():
    assert load_table("hybrid_stages").keys == ("stages",)
    assert load_table("ablation_khu").keys == ("k", "h", "u", "m")


def test_no_such_table():
    with pytest.raises(LambdaArchError, match=r"no such table.*did you mean hybrid_stages"):
        load_table("hybrid_stage")
