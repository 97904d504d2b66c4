import csv
import io
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from lambda_arch.arch import parse
from lambda_arch.comparing import match
from lambda_arch.comparing.figure import read_figure
from lambda_arch.comparing.grid import Grid
from lambda_arch.costs import count

GRID = Grid(50, 192)


@pytest.fixture(scope="module")
def costs():
    """The params and the MACs of a million architectures."""
    return GRID.costs("params"), GRID.costs("macs")


def test_a_depth_has_over_a_million_architectures(costs):
    assert costs[0].shape == costs[1].shape == GRID.shape
    assert costs[0].size > 10**6


@hypothesis_settings(max_examples=60)
@given(st.data())
def test_every_cell_of_the_grid_costs_what_its_architecture_does(costs, data):
    network, body = (data.draw(st.integers(0, length - 1)) for length in GRID.shape)
    ledger = count(GRID.architecture(network, body))
    params, macs = costs
    assert (params[network, body], macs[network, body]) == (ledger.params, ledger.macs)


def test_changes_count_what_is_off_the_defaults():
    changes = Grid(50).changes()
    assert changes[0, 0] == 0
    assert str(Grid(50).architecture(0, 0)) == "lambda_resnet50"
    singles = np.argwhere(changes == 1)
    names = {str(Grid(50).architecture(*place)) for place in singles}
    assert {
        "lambda_resnet50:k=8",
        "lambda_resnet50:m=global",
        "lambda_resnet50:stem=rs",
        "lambda_resnet50:stages=CCLL",
    } <= names


@pytest.mark.slow
def test_the_published_networks_are_found_by_their_numbers():
    matches = match(params="51.4M", macs="11.88G", depth=152)
    assert str(matches.best[0].architecture) == str(parse("lambda_resnet152_hybrid"))
    matches = match(params="14.996M", depth=50, top=3)
    assert str(matches.best[0].architecture) == "lambda_resnet50"


@pytest.mark.parametrize("figure", ["15.0M", "35M", "51.4M"])
def test_matches_are_within_the_rounding_simplest_first(figure):
    matches = match(params=figure, depth=152, top=20)
    assert all(each.params in read_figure("params", figure) for each in matches.best)
    keys = [(each.architecture.classes != 1000, each.changes) for each in matches.best]
    assert all(a <= b for a, b in pairwise(keys))
    assert matches.found >= len(matches.best)


def test_networks_of_ten_classes_come_last():
    best = match(params="15.5M", depth=50, top=40).best
    classes = [each.architecture.classes for each in best]
    assert classes.index(1000) == 0 and 10 not in classes[: classes.count(1000)]


def test_a_number_that_no_network_has():
    matches = match(params="999.9M", depth=50)
    assert matches.best == ()
    assert matches.found == 0


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("51.4M", 51_350_000, 51_450_000),
        ("35 M", 34_500_000, 35_500_000),
        ("6.576g", 6_575_500_000, 6_576_500_000),
        ("14995592", 14_995_592, 14_995_592),
    ],
)
def test_a_printed_figure_is_what_rounds_to_it(text, low, high):
    figure = read_figure("params", text)
    assert low in figure
    assert high in figure
    assert low - 1 not in figure
    assert high + 1 not in figure


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("51.4", "could cost"), ("51.4ms", "a unit of K, M, G"), ("-51.4M", "positive"), ("M", "a number"),
        ("51,4M", "a number"), ("0.0001K", "could cost"),
        ("9999999T", "could cost"), ("nanM", "a number"), ("", "a number"),
    ],
)  # fmt: skip
def test_what_is_no_figure_is_refused(text, says):
    with pytest.raises(ValueError, match=says):
        read_figure("params", text)


def test_nothing_asked():
    with pytest.raises(ValueError, match="expected"):
        match()


def test_other_numbers_of_classes(run_cli):
    params = count("lambda_resnet50:classes=21").params
    words = ["match", "--params", params, "--depth", 50, "--top", 3]
    found = list(csv.DictReader(io.StringIO(run_cli(*words, "--classes", "21,37").out)))
    assert found[0]["architecture"] == "lambda_resnet50:classes=21"
    assert all("classes=" in row["architecture"] for row in found)
    assert "lambda_resnet50:classes=21" not in run_cli(*words).out
    assert str(match(params=str(count("resnet50").params), depth=50, classes=[1000]).best[0].architecture) == "resnet50"
    code, _, err = run_cli(*words, "--classes", "0")
    assert (code, err) == (2, "lambda-arch: classes=0: expected a whole number from 1, such as classes=1000\n")
