from lambda_arch.comparing import compare
from lambda_arch.published import table_names
from lambda_arch.reporting.tables_folder import stale_files, write_folder


def test_the_folder_has_one_file_per_table_and_an_index(tmp_path):
    folder = tmp_path / "tables"
    assert set(write_folder(compare(), folder)) == set(folder.iterdir())
    assert {path.name for path in folder.iterdir()} == {f"{name}.csv" for name in table_names()} | {"README.md"}
    index = (folder / "README.md").read_text("utf-8")
    assert all(f"({name}.csv)" in index for name in table_names())


def test_stale_files_are_those_that_would_change(tmp_path):
    some = compare(["hybrid_stages", "scope_size"])
    write_folder(some, tmp_path)
    assert stale_files(some, tmp_path) == []
    assert "README.md" in {path.name for path in stale_files(compare(), tmp_path)}  # the index is of all tables
    path = tmp_path / "scope_size.csv"
    path.write_text(path.read_text().replace("5.7", "5.8"))
    assert stale_files(some, tmp_path) == [path]
