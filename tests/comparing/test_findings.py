"""The audit has to find by itself what is known of the published figures."""

import functools

import pytest

from lambda_arch.comparing import compare
from lambda_arch.comparing.findings import audit
from lambda_arch.published import load_table, table_names


@functools.cache
def findings(table):
    return {(each.figure.row_name, each.figure.column.name): each for each in audit(table)}


@pytest.mark.parametrize("row", ["LambdaResNet152/16/4/1/23", "LambdaResNet200/16/4/1/23"])
def test_35_and_42_million_are_the_networks_of_the_c4_study(row):
    finding = findings("seed_models")[(row, "params_paper")]
    assert finding.hypothesis.startswith("as 'all lambda' of c4_lambda_count: stages=CCLL, stem=rs")
    assert finding.explains == 2


@pytest.mark.slow
@pytest.mark.parametrize("row", ["8/8/4/23", "8/8/8/23", "16/4/4/23"])
@pytest.mark.parametrize("column", ["params_paper", "params_leaderj1001"])
def test_rows_with_u_over_1_have_a_7x7_scope(row, column):
    finding = findings("ablation_khu")[(row, column)]
    assert finding.hypothesis == "scope 7x7"
    assert finding.explains == 6
    assert finding.figure.stated


def test_a_swapped_row():
    finding = findings("ablation_khu")[("8/4/1/23", "params_leaderj1001")]
    assert finding.hypothesis == "the number of row 4/4/1/23"
    assert finding.others == ()


def test_no_hypothesis_gives_15_6_for_8_16_1():
    finding = findings("ablation_khu")[("8/16/1/23", "params_paper")]
    assert finding.hypothesis is None
    assert finding.tried >= 50


def test_a_hypothesis_that_contradicts_the_column_is_a_coincidence():
    finding = findings("hybrid_stages")[("CCLL", "params")]
    assert finding.hypothesis == "k=8, h=4, u=1, m=23, as row 8/4/1/23 of ablation_khu"  # of this row alone
    assert finding.chance == (6, 7)
    assert "k=8" in finding.coincidences  # of all rows


def test_13_million_is_what_the_code_has_hard_coded():
    finding = findings("cifar10")[("LambdaResNet50/16/4/4/7", "params")]
    assert finding.hypothesis == "the code's defaults: k=16, h=4, u=1, m=23"
    assert finding.chance == (5, 6)


def test_a_way_of_counting_that_fits_a_figure_only_cut_off_contradicts_a_column_that_rounds():
    finding = findings("efficientnet")[("B2/260", "params")]
    assert finding.hypothesis is None
    assert finding.coincidences == ("batch-norm statistics counted",)


@pytest.mark.parametrize("table", table_names())
def test_what_differs_in_the_tables_is_what_is_audited(table):
    """One source for both: the same figures, with the same counts, under the same keys."""
    comparison = compare(table)
    differing = {
        (tuple(row.published.cells[key] for key in comparison.table.keys), column.name, row.verdicts[column.name].ours)
        for row in comparison.rows
        for column in comparison.table.columns
        if column.name in row.verdicts and column.quantity != "map_bytes"
        if row.verdicts[column.name].verdict == "differs"
    }
    audited = [finding.figure for finding in findings(table).values() if not finding.figure.stated]
    keys = comparison.table.keys
    assert {(tuple(each.cells[key] for key in keys), each.column.name, each.ours) for each in audited} == differing


def test_a_row_as_its_source_states_it_is_named_and_counted_so():
    finding = findings("ablation_khu")[("8/8/4/23", "params_paper")]
    assert finding.figure.ours == 15_507_688  # m=23; the table counts 15,261,928 with m=7


def test_every_disagreement_is_audited_and_nothing_else():
    assert findings("c4_lambda_count") == {}
    assert len(findings("scope_size")) == 6
    assert all(finding.figure.verdict(finding.figure.ours) == "differs" for finding in findings("scope_size").values())


def test_a_figure_made_up_of_a_change_is_explained_by_it():
    """An independent check: print what a known change gives, and see it found."""
    from dataclasses import replace

    from lambda_arch.arch import parse
    from lambda_arch.costs import count

    table = load_table("imagenet_lambda_resnet50")
    for options in ("stages=CCLL,lambda_bias=yes", "classes=100,lambda_bias=yes", "m=31,lambda_bias=yes"):
        printed = f"{count(parse(f'lambda_resnet50:{options}')).params / 1e6:.3f}"
        row = replace(table.rows[0], cells={**table.rows[0].cells, "params": printed})
        found = next(each for each in audit(replace(table, rows=(row,))) if each.figure.column.name == "params")
        change = options.split(",")[0].replace("classes=100", "100 classes").replace("m=31", "scope 31x31")
        assert found.hypothesis == change
