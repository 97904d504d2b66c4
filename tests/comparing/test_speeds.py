import pytest

from lambda_arch.comparing.speeds import TIMED, measure_table, timed_table
from lambda_arch.errors import ArchitectureError
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


def test_a_table_is_measured_with_its_baselines(workers, tmp_path):
    workers.fates = {"lambda_resnet50": "oom"}
    found = measure_table("hybrid_stages", threads=1, store=tmp_path / "s.db")
    rows = {row.keys[0]: timing for row, timing in found.rows}
    assert rows.keys() >= {"CCCC", "LLLL", "CCLL"}
    assert rows["CCLL"].baseline == "resnet50"
    assert rows["CCLL"].ratio.median == 1.0
    assert rows["LLLL"].measurement.status == "oom"
    assert rows["LLLL"].ratio is None
    frame = found.to_frame().set_index("stages")
    assert frame.loc["LLLL", "paper_ratio"] == pytest.approx(7240 / 1160)
    assert "paper's" in str(found)
    assert "stored" not in str(found)
    again = str(measure_table("hybrid_stages", threads=1, store=tmp_path / "s.db"))
    assert "stored: " in again and "samples, session " in again
    with pytest.raises(
        ArchitectureError, match="table=hybrid_stages: expected one batch size, one dtype and one runtime"
    ):
        measure_table("hybrid_stages", batch_size=[1, 2], store=tmp_path / "s.db")


def test_a_table_has_its_own_mode(workers, tmp_path):
    found = measure_table("c4_lambda_count", threads=1, store=tmp_path / "s.db")
    assert {timing.measurement.setup.mode for _, timing in found.rows} == {"train"}
    assert {timing.baseline for _, timing in found.rows} == {str(each) for each in found.table.baselines}
    assert all(timing.ratio.median == 1.0 for _, timing in found.rows)
