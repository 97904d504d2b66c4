from decimal import Decimal

import pytest

from lambda_arch.arch import parse
from lambda_arch.comparing import compare
from lambda_arch.errors import DataError, LambdaArchError
from lambda_arch.published import all_tables, load_table, table_names, tables

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


@pytest.mark.parametrize(
    ("row", "column", "words"),
    [
        ("LLLL,15.0,lambda_resnet5", "quantity", "mine.csv, row stages=LLLL: lambda_resnet5: no such architecture"),
        ("LLLL,x,lambda_resnet50", "quantity", "mine.csv, row stages=LLLL: x: expected a number"),
        ("LLLL,15.0,lambda_resnet50", "quantty", "mine.csv and mine.toml: .*'quantty'"),
    ],
)
def test_a_wrong_table_is_named_with_its_row(row, column, words, tmp_path, monkeypatch):
    (tmp_path / "mine.csv").write_text(f"stages,params,architecture\n{row}\n")
    about = f'[columns.params]\n{column} = "params"\nunit = "M"\nlabel = "params, paper"\nsource = "Table 12"\n'
    (tmp_path / "mine.toml").write_text(f'title = "Mine"\nabout = "Mine."\n{about}')
    monkeypatch.setattr(tables, "_data", lambda: tmp_path)
    monkeypatch.setattr(tables, "table_names", lambda: ("mine",))
    load_table.cache_clear()
    with pytest.raises(DataError, match=words):
        compare("mine")
