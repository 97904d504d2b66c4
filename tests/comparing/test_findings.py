"""The audit has to find by itself what is known of the published figures."""

import functools

import pytest

from lambda_arch.comparing.findings import audit
from lambda_arch.published import load_table


@functools.cache
def findings(table):
    return {(each.figure.row_name, each.figure.column.name): each for each in audit(table)}


@pytest.mark.parametrize("row", ["LambdaResNet152/16/4/1/23", "LambdaResNet200/16/4/1/23"])
def test_35_and_42_million_are_the_networks_of_the_c4_study(row):
    finding = findings("seed_models")[(row, "params_paper")]
    assert finding.hypothesis.startswith("as 'all lambda' of c4_lambda_count: stages=CCLL, stem=rs")
    assert finding.explains == 2


@pytest.mark.parametrize("row", ["8/8/4/7", "8/8/8/7", "16/4/4/7"])
@pytest.mark.parametrize("column", ["params_paper", "params_leaderj1001"])
def test_rows_with_u_over_1_have_a_7x7_scope(row, column):
    finding = findings("ablation_khu")[(row, column)]
    assert finding.hypothesis == "scope 7x7"
    assert finding.explains == 6


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
    assert finding.hypothesis is None
    assert "k=8" in finding.coincidences


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
