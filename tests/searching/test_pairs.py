"""Fronts with interactions of neighbouring stages are exact, whichever engine finds them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from lambda_arch.searching.enumeration import enumerate_front
from lambda_arch.searching.exact import exact_front
from lambda_arch.searching.learning import after
from lambda_arch.searching.metrics import read_constraint, read_objectives
from lambda_arch.searching.optimization import make_problem, non_dominated
from lambda_arch.searching.posterior import Draw
from lambda_arch.searching.search_space import Space
from tests.searching.simulated import WEIGHTS, architectures, runs
from tests.searching.spaces import small_spaces

MODEL = after(runs(architectures(20), 0.2, interaction=2.0), "simulated", pairs=True)


def draw(pairs: list[float]) -> Draw:
    return replace(MODEL.draws(1, 0)[0], weights=np.array([80.0, *WEIGHTS, *pairs]))


@settings(max_examples=10)
@given(space=small_spaces(300))
@pytest.mark.parametrize("pairs", [[3.0, -3.0, 2.0], [-1.0, 4.0, -4.0]])
def test_fronts_with_interactions_are_those_of_counting_everything(space: Space, pairs: list[float]) -> None:
    bound = [read_constraint("params<=25M")]
    problem = make_problem(space, read_objectives(["macs"], ["top1"]), bound, draw(pairs))
    everything = np.array([problem.of(each) for each in space.architectures()])
    allowed = everything[problem.allowed(everything)][:, :2]
    wanted = allowed[non_dominated(np.round(allowed, 6))]
    for found in (enumerate_front(problem), exact_front(problem)):
        assert found.is_exact
        assert sorted(map(tuple, np.round(found.points, 5))) == sorted(map(tuple, np.round(wanted, 5)))
        for i in range(len(found)):
            assert problem.of(found.architecture(i)) == pytest.approx(found.totals[i])
