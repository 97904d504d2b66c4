"""The accuracy model: additive, honest about its error and its range, and fitted only on what suffices."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

from lambda_arch.arch import parse
from lambda_arch.errors import DataError
from lambda_arch.searching.accuracy import AccuracyModel, fit, published_model
from lambda_arch.searching.features import features
from lambda_arch.searching.search_space import Space
from lambda_arch.searching.training_runs import OWN, Run, published_runs, read_runs
from tests.searching.spaces import small_spaces


def test_leaving_one_out_is_what_fitting_without_it_gives() -> None:
    runs = published_runs()
    model = published_model()
    told = np.flatnonzero(model.leverages < 1 - 1e-9)
    for i in told[::7]:
        without = fit([run for j, run in enumerate(runs) if j != i], "all but one")
        row = np.concatenate([[run == runs[i].recipe for run in without.recipes], features(runs[i].architecture)])
        error = runs[i].top1 - float(row @ without.weights)
        assert error == pytest.approx(float(model.left_out_errors[list(told).index(i)]), abs=1e-6)


def test_the_published_model_predicts_runs_it_has_not_seen_better_than_their_mean() -> None:
    model = published_model()
    spread = np.std([run.top1 for run in model.runs if run.recipe == "the ablations" and run.top1 > 70])
    assert model.left_out_rmse < 0.8 * spread
    assert f"{model.left_out_rmse:.2f} points" in model.describe()
    assert "predicted, not measured" in model.describe()


def test_intervals_hold_what_they_say() -> None:
    model = published_model()
    inside = [
        abs(run.top1 - model.predict(run.architecture).top1) <= model.predict(run.architecture).interval
        for run in model.runs
        if run.recipe != "the c4 study"  # predictions are not for its recipe
    ]
    assert np.mean(inside) > 0.9


@settings(max_examples=15)
@given(small_spaces(50))
def test_a_prediction_is_its_constant_and_its_blocks(space: Space) -> None:
    model = published_model()
    for architecture in space.architectures():
        total = model.constant(architecture.depth, architecture.image_size, architecture.stem)
        for i, stage in enumerate(architecture.stages):
            total += sum(model.block(block, i, architecture.depth) for block in stage)
        assert model.predict(architecture).top1 == pytest.approx(total)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("lambda_resnet50:k=64", "k=64"),
        ("lambda_resnet50:c4.3.h=32", "h=32"),
        ("lambda_resnet50:u=16", "u=16"),
        ("lambda_resnet50:m=1", "m=1"),
        ("lambda_resnet50@256", "image size=256"),
        ("lambda_resnet101", "depth=101"),
        ("lambda_resnet50_hybrid@384", "image size=384"),
        ("lambda_resnet50_hybrid:k=8", "k=8"),
    ],
)
def test_what_no_run_has_is_extrapolated(name: str, reason: str) -> None:
    assert reason in published_model().predict(parse(name)).extrapolated


@pytest.mark.parametrize("run", published_runs(), ids=lambda run: str(run.architecture))
def test_no_published_run_is_extrapolated(run: Run) -> None:
    assert published_model().predict(run.architecture).extrapolated in ((), ("a combination far from all runs",))


def own(*pairs: tuple[str, float]) -> list[Run]:
    return [Run(parse(name), OWN, top1) for name, top1 in pairs]


def made(truth: Callable[[int], float]) -> AccuracyModel:
    return fit(own(*((f"lambda_resnet26:k={k}", truth(k)) for k in (2, 4, 8, 16, 32))), "mine.csv")


def test_a_law_in_the_runs_is_found() -> None:
    model = made(lambda k: 60 + 2 * np.log2(k))
    assert model.predict(parse("lambda_resnet26:k=11")).top1 == pytest.approx(60 + 2 * np.log2(11))
    assert model.left_out_rmse < 1e-6
    assert not model.predict(parse("lambda_resnet26:k=11")).extrapolated
    assert model.predict(parse("lambda_resnet26:k=11,h=8")).extrapolated  # h was never varied


@pytest.mark.parametrize(
    ("runs", "message"),
    [
        ([], "0 runs are too few"),
        (own(("resnet50", 76), ("resnet101", 78)), "2 runs are too few"),
        (own(*((f"lambda_resnet50:k={k}", 77.0) for k in range(1, 7))), "every top1 is 77"),
        (own(*(("resnet50", 76 + i) for i in range(6))), "every run has the same settings"),
        (
            own(*((f"lambda_resnet50:k={2**i},h={2 ** (i % 3)},u={1 + i % 2}", 76 + i) for i in range(6))),
            "too few for what differs between them (log2 k, log2 h, log2 u); expected at least 7",
        ),
    ],
)
def test_runs_that_do_not_suffice_are_refused_with_what_would(runs: list[Run], message: str) -> None:
    with pytest.raises(DataError) as error:
        fit(runs, "mine.csv")
    assert message in str(error.value)


def test_own_runs_together_with_the_published_ones_predict_for_the_own_recipe() -> None:
    runs = own(("lambda_resnet50", 70.0), ("lambda_resnet50:k=8", 69.5), ("resnet50", 68.6))
    model = fit([*runs, *published_runs()], "both")
    assert model.predict(parse("lambda_resnet50")).top1 == pytest.approx(70, abs=0.5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,top1\nresnet50,76\n", "expected a column architecture"),
        ("architecture,top1\nresnet51,76\n", "runs.csv, line 2: resnet51: no such architecture"),
        ("architecture,top1\nresnet50,good\n", "runs.csv, line 2: top1=good: expected percent"),
        ("architecture,top1\nresnet50,176\n", "top1=176: expected percent"),
        ("architecture,top1\nmobilenet,76\n", "line 2: mobilenet: expected a ResNet of convolutions and lambda layers"),
        ("", "expected a column architecture"),
    ],
)
def test_files_of_runs_that_are_wrong_are_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "runs.csv"
    path.write_text(text)
    with pytest.raises(DataError) as error:
        read_runs(path)
    assert message in str(error.value)


def test_a_list_of_runs_may_have_others_that_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "runs.csv"
    rows = "architecture,data,top1,status\nresnet50,digits,76.9,finished\nresnet26,digits,70,running\n"
    path.write_text(f"{rows}mobilenet,digits,70,finished\n")
    assert [str(run.architecture) for run in read_runs(path)] == ["resnet50"]
    path.write_text(f"{rows}resnet101,cifar,70,finished\n")
    with pytest.raises(DataError, match=r"runs\.csv: has runs on cifar, digits; expected those on one data set"):
        read_runs(path)


def test_files_of_runs_are_read(tmp_path: Path) -> None:
    path = tmp_path / "runs.csv"
    path.write_text('architecture,top1,note\n"lambda_resnet50:k=8,h=2",77.2,a\nresnet50,76.9%,b\n')
    assert [(str(run.architecture), run.top1) for run in read_runs(path)] == [
        ("lambda_resnet50:k=8,h=2", 77.2),
        ("resnet50", 76.9),
    ]
