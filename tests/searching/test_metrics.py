"""Units, bounds and objectives read from what people write."""

import pytest

from lambda_arch.errors import LambdaArchError
from lambda_arch.searching.metrics import METRICS, metric_named, read_constraint, read_objectives


@pytest.mark.parametrize(
    ("text", "name", "relation", "bound"),
    [
        ("params<=16M", "params", "<=", 16e6),
        (" macs <= 5 G ", "macs", "<=", 5e9),
        ("flops<=1.5T", "flops", "<=", 1.5e12),
        ("latency<=3ms", "latency", "<=", 3e-3),
        ("latency ≤ 250us", "latency", "<=", 250e-6),
        ("memory<=40MB", "memory", "<=", 40e6),
        ("memory<=40MiB", "memory", "<=", 40 * 2**20),
        ("top1>=78.5%", "top1", ">=", 78.5),
        ("top-1>=78.5", "top1", ">=", 78.5),
        ("throughput>=1k", "throughput", ">=", 1000),
        ("params<=1_000_000", "params", "<=", 1e6),
        ("params<=1e6", "params", "<=", 1e6),
        ("macs<=5g", "macs", "<=", 5e9),
        ("flops<=2306768896", "flops", "<=", 2306768896),
    ],
)
def test_bounds(text: str, name: str, relation: str, bound: float) -> None:
    found = read_constraint(text)
    assert (found.metric.name, found.relation) == (name, relation)
    assert found.bound == pytest.approx(bound)
    assert read_constraint(str(found)) == found


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("params", "params: expected a bound such as"),
        ("params<16M", "params<16M: expected <= or >=, such as 'params<=16M'"),
        ("params<=16ms", "params<=16ms: expected a unit of K, M, G, B, T, such as 16M"),
        ("params<=16", "params<=16: expected what a network could cost, such as 16M"),
        ("params<=-16M", "params<=-16M: expected a positive number"),
        ("latency<=3G", "latency<=3G: expected a unit of s, ms, us"),
        ("parms<=3", "parms: no such metric (did you mean params?)"),
        ("macs<=", "expected"),
        ("", "an empty bound: expected"),
    ],
)
def test_bounds_that_are_none(text: str, message: str) -> None:
    with pytest.raises(LambdaArchError) as error:
        read_constraint(text)
    assert message in str(error.value)


def test_objectives_go_their_own_way() -> None:
    assert [metric.name for metric in read_objectives(["macs, params"], ["top1"])] == ["macs", "params", "top1"]
    with pytest.raises(LambdaArchError, match="top1: more of it is better; expected maximize=top1"):
        read_objectives(["top1"], [])
    with pytest.raises(LambdaArchError, match="macs: an objective twice"):
        read_objectives(["macs", "macs"], [])


def test_every_metric_reads_what_it_writes() -> None:
    for metric in METRICS.values():
        written = metric.show_with_unit(1234.5 * metric.shown[1]).replace(",", "")
        assert metric.read(written) == pytest.approx(1234.5 * metric.shown[1])
        assert metric_named(metric.name) is metric
