import pytest

from lambda_arch.training.batches import Places
from lambda_arch.training.optimization import learning_rates
from lambda_arch.training.recipe import Recipe


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"sched": "constant"}, [0.1] * 5),
        ({"sched": "step", "decay_epochs": (1, 3)}, [0.1, 0.01, 0.01, 0.001, 0.001]),
        ({"sched": "cosine", "min_lr": 0.02}, [0.1, 0.0883, 0.06, 0.0317, 0.0226]),
        ({"sched": "cosine-restarts", "restart_epochs": 1, "restart_mul": 3}, [0.1, 0.1, 0.075, 0.025, 0.005]),
        ({"sched": "constant", "warmup_epochs": 2}, [0.1 / 9, 0.1 * 5 / 9, 0.1, 0.1, 0.1]),
    ],
)
def test_schedules(settings, expected):
    """Of four epochs of four steps: the rate at the start of each, and at the last step."""
    recipe = Recipe(epochs=4, batch_size=1, lr=0.1, **settings)
    rates = learning_rates(recipe, 4)
    assert len(rates) == 5
    assert rates[:4] == pytest.approx(expected[:4], rel=0.01)
    if settings["sched"] != "cosine" and settings["sched"] != "cosine-restarts":
        assert rates[4] == pytest.approx(expected[4], rel=0.01)


def test_places_are_the_steps_that_are_left():
    places = Places(1, 2, 3, 3)
    assert list(places) == [(1, 2), (2, 0), (2, 1), (2, 2)] and len(places) == 4
    assert list(Places(1, 3, 3, 3)) == [(2, 0), (2, 1), (2, 2)] and len(Places(3, 0, 3, 3)) == 0
