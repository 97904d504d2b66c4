import pytest

from lambda_arch.comparing.speeds import TIMED, timed_table
from lambda_arch.published import load_table


@pytest.mark.parametrize("name", TIMED)
def test_every_row_is_there_or_named(name):
    table = timed_table(name)
    assert len(table.rows) + len(table.not_buildable) == len(load_table(name).rows)
    assert set(table.baselines) <= set(table.architectures)
    assert all(row.paper is None or row.paper > 0 for row in table.rows)


def test_ratios_of_throughput_are_of_time():
    rows = {row.keys: row for row in timed_table("hybrid_stages").rows}
    assert rows["CCCC",].paper == 1
    assert rows["LLLL",].paper == pytest.approx(7240 / 1160)
    assert str(rows["LLLL",].baseline) == "resnet50"


def test_each_depth_has_its_own_baseline():
    rows = {row.keys: row for row in timed_table("c4_lambda_count").rows}
    assert rows["152", "256", "all lambda"].paper == pytest.approx(2780 / 1480)
    assert str(rows["152", "256", "all lambda"].baseline) == "resnet152:stem=rs@256"
    assert str(rows["101", "224", "all lambda"].baseline) == "resnet101:stem=rs"


def test_seconds_are_ratios_as_they_are():
    rows = {row.keys: row for row in timed_table("pareto_figure3").rows}
    assert rows["LambdaResNet", "420", "320"].paper == pytest.approx(2.25 / 0.14)
    assert rows["LambdaResNet", "50", "128"].paper is None  # the paper prints no figure
