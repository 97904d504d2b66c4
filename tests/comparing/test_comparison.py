import re
from decimal import Decimal
from types import SimpleNamespace

import pytest

from lambda_arch.arch import parse
from lambda_arch.comparing import compare, published_figures
from lambda_arch.comparing.verdict import SCALES
from lambda_arch.costs import count
from lambda_arch.errors import LambdaArchError
from lambda_arch.published import load_table, table_names


def verdicts(table, column):
    rows = compare(table).rows
    return {
        tuple(row.published.cells[key] for key in compare(table).table.keys): row.verdicts.get(column) for row in rows
    }


def rows(table):
    """Return the flat rows of a table by their first key and their place."""
    compared = compare(table).rows
    return {
        (next(iter(row.published.cells.values())), place): SimpleNamespace(
            architecture=row.ledger.architecture, our_macs=row.ledger.macs
        )
        for place, row in enumerate(compared)
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


@pytest.mark.parametrize(("table", "agree", "differ"), [("c4_lambda_count", 8, 0), ("efficientnet_torchvision", 16, 0)])
def test_tables_that_agree_altogether(table, agree, differ):
    tally = compare(table).tally()
    assert (tally["agree"], tally["differ"], tally["not buildable"]) == (agree, differ, 0)


def test_leaderj1001_is_counted_as_its_code_builds_it():
    plain = {key[0]: row.our_macs for key, row in rows("cifar10").items() if key[0] in ("ResNet18", "ResNet50")}
    assert plain == {"ResNet18": 892_407_808, "ResNet50": 1_502_941_184}  # measured on its own code
    lambdas = [row for key, row in rows("cifar10").items() if key[0].startswith("Lambda")]
    assert all("pool=first" in row.architecture for row in lambdas)
    for name in ("leaderj1001_lambda_resnet50", "leaderj1001_resnet50", "leaderj1001_lambda_resnet50_cifar10"):
        columns = {(table.name, column.source) for table, column, _ in published_figures(parse(name))}
        if "cifar10" not in name:
            assert ("ablation_khu", "README of github.com/leaderj1001/LambdaNetworks") in columns, name


def test_13_million_and_15_4_million_have_a_reason():
    thirteen = verdicts("cifar10", "params")[("LambdaResNet50", "16", "4", "4", "7")]
    hard_coded = count("lambda_resnet50:pool=first,shortcut_bias=yes,classes=10@32").params
    assert f"{hard_coded:,}" == "12,970,922"
    assert "12,970,922" in thirteen.reason
    eight = count("lambda_resnet50:stages=CCLL,k=8").params
    assert f"{eight:,}" in verdicts("hybrid_stages", "params")[("CCLL",)].reason


@pytest.mark.parametrize("table", table_names())
def test_a_column_rounds_where_some_figure_agrees_in_no_other_way(table):
    for column in compare(table).table.columns:
        found = [
            verdict for verdict in verdicts(table, column.name).values() if verdict and verdict.verdict == "agrees"
        ]
        up = [v for v in found if v.ours is not None and v.ours < Decimal(v.printed) * SCALES[column.unit]]
        assert column.rounds == bool(up), column.name


def test_what_is_cut_off_where_the_column_rounds_differs_by_one_digit():
    one_digit = {
        (name, row.published.cells[column], verdict.verdict)
        for name, column in (
            ("ablation_khu", "params_paper"),
            ("efficientnet", "flops"),
            ("content_position", "params"),
        )
        for row in compare(name).rows
        if (verdict := row.verdicts[column]).verdict in ("agrees (truncated)", "differs by one digit")
    }
    assert one_digit == {
        ("ablation_khu", "15.7", "differs by one digit"),
        ("efficientnet", "37", "differs by one digit"),
        ("content_position", "14.9", "differs by one digit"),
    }


def test_reasons_name_counts_that_are_ours():
    """Every parameter count in full, or to two decimals, that a reason names is one that we count somewhere."""
    reason = load_table("ablation_khu").reason
    rows = {row.published.cells["k"] + row.published.cells["h"]: row for row in compare("ablation_khu").rows}
    for key, row in rows.items():
        for column in ("params_paper", "params_leaderj1001"):
            for figure in re.findall(r"(\d+\.\d\d) M", reason(row.published, column)):
                assert figure == f"{row.verdicts[column].ours / 1e6:.2f}", (key, column)


def test_only_one_hybrid_differs():
    ours = verdicts("hybrid_stages", "params")
    assert [key for key, verdict in ours.items() if verdict.verdict == "differs"] == [("CCLL",)]
    assert ours[("CCLL",)].ours == 15_559_736


def test_every_disagreement_has_a_reason_and_a_difference():
    for name in table_names():
        for row in compare(name).rows:
            for verdict in row.verdicts.values():
                differs = verdict.verdict in ("differs", "differs by one digit")
                assert differs == (verdict.difference is not None) == bool(verdict.reason)
                assert verdict.reason != "no reason known"


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


def test_the_coco_table_has_the_costs_of_a_detector_at_its_own_size():
    found = compare("coco")
    frame = found.to_frame().set_index("backbone")
    row = frame.loc["LambdaResNet-101"]
    assert row.our_macs == 8_164_499_456  # of the classifier, at 224x224
    head = 2048 * 1000
    assert row.our_backbone_macs == count("lambda_resnet101_hybrid", image_size=1024).macs - head
    assert row.our_backbone_params == row.our_params - head - 1000
    assert row.our_pyramid_params == 3_344_384
    assert len(set(frame.our_heads_macs)) == 1
    assert "170.566" in str(found)
    assert not [name for name in compare("hybrid_stages").to_frame().columns if "backbone" in name]
