import pytest

from lambda_arch.arch import parse
from lambda_arch.comparing import compare, published_figures
from lambda_arch.errors import LambdaArchError
from lambda_arch.published import table_names


def verdicts(table, column):
    rows = compare(table).rows
    return {
        tuple(row.published.cells[key] for key in compare(table).table.keys): row.verdicts.get(column) for row in rows
    }


def test_the_ablation_agrees_where_the_layer_gives_the_figure():
    ours = verdicts("ablation_khu", "params_paper")
    differ = {key[:3] for key, verdict in ours.items() if verdict.verdict == "differs"}
    assert differ == {("8", "2", "1"), ("8", "16", "1"), ("2", "4", "1"), ("2", "8", "1"), ("4", "8", "1")}
    theirs = verdicts("ablation_khu", "params_leaderj1001")
    assert {key[:3] for key, v in theirs.items() if v.verdict == "differs"} == {("8", "4", "1"), ("16", "8", "1")}


def test_leaderj1001_is_counted_with_its_biased_shortcuts():
    row = verdicts("seed_models", "params_leaderj1001")[("LambdaResNet50", "16", "4", "1", "23")]
    assert row.ours == 14_999_432  # counted from its own code


@pytest.mark.parametrize(("table", "agree", "differ"), [("c4_lambda_count", 8, 0), ("imagenet_lambda_resnet50", 2, 0)])
def test_tables_that_agree_altogether(table, agree, differ):
    tally = compare(table).tally()
    assert (tally["agree"], tally["differ"], tally["not buildable"]) == (agree, differ, 0)


def test_only_one_hybrid_differs():
    ours = verdicts("hybrid_stages", "params")
    assert [key for key, verdict in ours.items() if verdict.verdict == "differs"] == [("CCLL",)]
    assert ours[("CCLL",)].ours == 15_559_736


def test_every_disagreement_has_a_reason_and_a_difference():
    for name in table_names():
        for row in compare(name).rows:
            for verdict in row.verdicts.values():
                assert (verdict.verdict == "differs") == (verdict.difference is not None) == bool(verdict.reason)


def test_accuracies_are_shown_as_printed_and_never_judged():
    for name in table_names():
        table = compare(name).table
        for row in compare(name).rows:
            for column in table.columns:
                if column.quantity not in ("params", "macs", "map_bytes") and column.name in row.verdicts:
                    verdict = row.verdicts[column.name]
                    assert (verdict.verdict, verdict.ours, verdict.difference) == ("not comparable", None, None)


def test_published_figures_of_an_architecture_are_found():
    found = {
        (table.name, column.name): verdict.verdict
        for table, column, verdict in published_figures(parse("lambda_resnet50"))
    }
    assert found[("ablation_khu", "params_paper")] == "agrees"
    assert found[("scope_size", "flops")] == "differs"
    assert ("imagenet_lambda_resnet50", "params") not in found  # that network has a bias
    at_256 = {(table.name, column.name) for table, column, _ in published_figures(parse("lambda_resnet50@256"))}
    assert ("ablation_khu", "params_paper") in at_256  # parameters are the same there
    assert ("scope_size", "flops") not in at_256


def test_no_such_table():
    with pytest.raises(LambdaArchError, match="no such table"):
        compare("nothing")
