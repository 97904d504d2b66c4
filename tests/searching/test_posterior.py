"""What is believed after runs: calibrated, quick to learn, and honest about noise and interactions."""

import numpy as np
import pytest

from lambda_arch.searching.coverage import coverage
from lambda_arch.searching.interactions import additivity
from lambda_arch.searching.learning import after
from lambda_arch.searching.posterior import Posterior, learn, published_posterior, published_prior
from lambda_arch.searching.training_runs import OWN
from tests.searching.simulated import WEIGHTS, architectures, runs, truth


def errors(model: Posterior, weights: np.ndarray = WEIGHTS) -> float:
    asked = architectures(40, seed=9)
    return float(np.sqrt(np.mean([(model.mean(each) - truth(each, weights)) ** 2 for each in asked])))


def test_without_runs_the_published_weights_are_believed_and_the_level_is_open() -> None:
    model = after([], "nothing")
    prior = published_prior()
    assert model.weights[1:] == pytest.approx(prior.mean * sum(f * p for f, p in prior.factors.items()))
    assert model.predict(architectures(1)[0]).interval > 30


def test_the_prior_helps_where_it_is_right_and_fades_where_it_is_not() -> None:
    few = architectures(6)
    assert errors(after(runs(few, 0.1), "few")) < 0.6 * errors(learn(runs(few, 0.1), "few, no prior", recipes=[OWN]))
    many = architectures(60)
    assert errors(after(runs(many, 0.1, weights=-WEIGHTS), "contrary"), -WEIGHTS) < 0.1


@pytest.mark.parametrize("noise", [0.1, 0.5])
def test_intervals_hold_what_they_say_on_runs_left_out(noise: float) -> None:
    found = coverage(after(runs(architectures(40, seed=3), noise, seed=4), "simulated"))
    assert len(found.left_out) == 40
    for level, least, most in ((0.5, 0.3, 0.7), (0.8, 0.65, 0.95), (0.95, 0.85, 1.0)):
        assert least <= found.share(level) <= most
    assert found.width(0.95) > found.width(0.8) > found.width(0.5) > 0


def test_a_run_is_left_out_together_with_its_repetitions() -> None:
    twice = runs(architectures(8), 0.0, repeats=2)
    model = after(twice, "twice")
    left = coverage(model).left_out[0]
    assert left.top1 == pytest.approx(model.without(twice[0].architecture).mean(twice[0].architecture))
    assert model.without(twice[0].architecture).runs == tuple(twice[2:])


@pytest.mark.parametrize("noise", [0.1, 0.8])
def test_noise_is_that_of_repeated_seeds_and_not_what_features_miss(noise: float) -> None:
    repeated = runs(architectures(12), noise, repeats=4, interaction=3.0)
    assert after(repeated, "repeated").noise_sd[OWN] == pytest.approx(noise, rel=0.4)


def test_each_recipe_has_a_noise_of_its_own() -> None:
    steady, noisy = runs(architectures(10), 0.05, repeats=3), runs(architectures(10), 1.0, recipe="noisy", repeats=3)
    sd = after([*steady, *noisy], "two").noise_sd
    assert sd["noisy"] > 3 * sd[OWN]


def test_interactions_are_found_where_there_are_some_and_only_there() -> None:
    networks = architectures(40)
    assert not additivity(runs(networks, 0.2)).is_refuted
    found = additivity(runs(networks, 0.2, interaction=2.0))
    assert found.is_refuted and "is refuted" in str(found)
    assert "cannot be tested" in str(additivity(runs(networks[:5], 0.2)))


def test_pairs_predict_what_an_additive_model_cannot() -> None:
    made = runs(architectures(50), 0.05, interaction=3.0)
    asked = architectures(40, seed=9)
    rmse = [
        np.sqrt(np.mean([(model.mean(each) - truth(each, interaction=3.0)) ** 2 for each in asked]))
        for model in (after(made, "additive"), after(made, "pairs", pairs=True))
    ]
    assert rmse[1] < 0.3 * rmse[0]


def test_draws_vary_as_the_posterior_says_and_follow_from_the_seed() -> None:
    model = after(runs(architectures(10), 0.3), "simulated")
    drawn = np.array([draw.weights for draw in model.draws(150, 1)])
    assert drawn == pytest.approx(np.array([draw.weights for draw in model.draws(150, 1)]))
    row = model.row(architectures(1, seed=5)[0])
    spread = model.shares @ np.einsum("i,cij,j->c", row, model.covariances, row)
    spread += model.shares @ (model.means @ row - model.weights @ row) ** 2
    assert (drawn @ row).mean() == pytest.approx(model.weights @ row, abs=4 * np.sqrt(spread / 150))
    assert (drawn @ row).std() == pytest.approx(np.sqrt(spread), rel=0.25)


def test_a_trained_architecture_is_near_its_runs_in_every_draw() -> None:
    networks = architectures(10)
    model = after([*runs(networks, 0.01, repeats=3), *runs(networks[:1], 0.01, seed=7, repeats=3)], "simulated")
    for draw in model.draws(20, 0):
        assert abs(draw.trained[networks[0]] - truth(networks[0])) < 0.1


def test_published_intervals_hold_about_what_they_say() -> None:
    inside = [published_posterior().interval(run.architecture, 0.8, run.recipe) for run in published_posterior().runs]
    held = [low <= run.top1 <= high for (low, high), run in zip(inside, published_posterior().runs, strict=True)]
    assert 0.7 < np.mean(held) < 1
