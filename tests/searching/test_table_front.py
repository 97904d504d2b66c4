"""The front of any table."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_arch.errors import LambdaArchError
from lambda_arch.reporting import report_of
from lambda_arch.searching.table_front import table_front


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=40))
def test_members_are_those_that_nothing_dominates(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, int]]
) -> None:
    path = tmp_path_factory.mktemp("t") / "t.csv"
    path.write_text("a,b\n" + "".join(f"{a},{b}\n" for a, b in rows))
    found = table_front(path, ["a"], ["b"])
    for i, (a, b) in enumerate(rows):
        dominators = [j for j, (c, d) in enumerate(rows) if c <= a and d >= b and (c < a or d > b)]
        assert (found.by[i] >= 0) == bool(dominators)
        if dominators:
            assert found.by[i] in dominators
    assert [rows[i][0] for i in found.members] == sorted(rows[i][0] for i in found.members)


def test_rows_without_numbers_are_left_out_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text('name,ms,top1\na,"1,000",78%\nb,OOM,79\nc,nan,80\nd,900,77\n')
    found = table_front(path, ["ms"], ["top1"])
    assert found.skipped == 2
    assert [found.row(i)["name"] for i in found.members] == ["d", "a"]


@pytest.mark.parametrize(
    ("text", "minimize", "maximize", "message"),
    [
        ("a,b\n1,2\n", [], [], "no objective"),
        ("a,b\n1,2\n", ["c"], [], "no column c; it has a, b"),
        ("a,a\n1,2\n", ["a"], [], "has 2 columns a; expected one"),
        ("a,b\n1,2\n", ["a,a"], [], "a: an objective twice"),
        ("a,b\nx,2\n", ["a"], [], "no row has a number for each of a"),
        ("a,b\n", ["a"], [], "rows below it"),
        ("top1,b\n1,2\n", ["top1"], [], "top1: expected maximize=top1"),
    ],
)
def test_what_cannot_be_answered_is_named(
    tmp_path: Path, text: str, minimize: list[str], maximize: list[str], message: str
) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text)
    with pytest.raises(LambdaArchError) as error:
        table_front(path, minimize, maximize)
    assert message in str(error.value)


def test_people_are_shown_the_first_of_a_long_front_and_files_have_all(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b\n" + "".join(f"{i},{i}\n" for i in range(1200)))
    shares: list[float] = []
    report = report_of(table_front(path, ["a"], ["b"], progress=shares.append))
    assert len(report.tables[0].rows) == 1000
    assert "the first 1,000 of 1,200 are shown; CSV and JSON have all" in report.tables[0].notes
    assert len(report.flat.rows) == len(report.data) == 1200
    assert shares == [1.0]
