"""What to train next: the batch that covers most of the fronts of draws, and what is said of it."""

import json
from pathlib import Path

import moocore
import numpy as np
import pytest

from lambda_arch import propose
from lambda_arch.errors import LambdaArchError
from lambda_arch.reporting.dispatch import report_of
from lambda_arch.searching.batch_choice import Cover
from lambda_arch.searching.drawn_fronts import draw_fronts
from lambda_arch.searching.learning import after
from lambda_arch.searching.posterior import Posterior
from lambda_arch.searching.proposals import choose
from lambda_arch.searching.reading import read_problem
from tests.command_line import run
from tests.searching.simulated import SPACE, architectures, runs


@pytest.fixture(scope="module")
def model() -> Posterior:
    return after(runs(architectures(6), 0.2), "simulated")


def test_the_same_arguments_give_the_same_proposals_and_another_seed_others(model: Posterior) -> None:
    first, again, other = (propose(SPACE, 4, accuracy=model, draws=8, seed=seed) for seed in (0, 0, 1))
    assert first.to_frame().equals(again.to_frame())
    assert not first.to_frame().equals(other.to_frame())


def test_nothing_is_proposed_twice_or_again_or_beyond_the_bounds(model: Posterior) -> None:
    found = propose(SPACE, 200, accuracy=model, draws=8, where="macs<=3G")
    names = [str(each.architecture) for each in found]
    assert len(names) > 8 and len(set(names)) == len(names)
    assert not set(names) & {str(architecture) for architecture in model.trained}
    assert all(each.values["macs"] <= 3e9 for each in found)


def test_a_probability_is_the_share_of_draws_in_which_nothing_is_better(model: Posterior) -> None:
    found = propose(SPACE, 3, accuracy=model, draws=10, seed=3)
    problem = found.problem
    everything = list(dict.fromkeys(SPACE.architectures()))
    macs = np.array([problem.of(each)[0] for each in everything])
    rows = np.array([model.row(each) for each in everything])
    for proposal in found:
        own = everything.index(proposal.architecture)
        on_front, below = [], []
        for draw in model.draws(10, 3):
            top1 = rows @ draw.weights
            gap = top1[macs <= macs[own]].max() - top1[own]
            on_front.append(gap < 1e-9)
            below.append(gap)
        assert proposal.probability == pytest.approx(np.mean(on_front))
        assert proposal.below == pytest.approx(np.mean(below), abs=1e-9)


def test_the_cover_is_a_share_of_hypervolume(model: Posterior) -> None:
    problem = read_problem(SPACE, "macs", "top1", (), lambda: model, None, {}, None)
    drawn = draw_fronts(problem, model.draws(3, 0))
    chosen = [0, len(drawn.candidates) // 2]
    everywhere = np.concatenate([front.points for front in drawn.fronts])
    low, high = np.log(everywhere[:, 0].min()), np.log(everywhere[:, 0].max())
    shares = []
    for i, front in enumerate(drawn.fronts):
        worst = front.points[:, 1].max() + 0.1 * np.ptp(front.points[:, 1])
        reference = np.array([high + 0.1 * (high - low), worst])
        mine, whole = np.concatenate([drawn.totals[i, chosen], drawn.trained_totals[i]]), drawn.totals[i]
        whole = np.concatenate([whole, drawn.trained_totals[i]])
        best = front.points[:, 1].min()
        volumes = []
        for points in (mine, whole):
            scaled = np.column_stack([np.log(points[:, 0]), np.maximum(points[:, 1], best)])
            volumes.append(moocore.hypervolume(scaled, ref=reference))
        shares.append(volumes[0] / volumes[1])
    assert Cover.of(drawn).share(chosen) == pytest.approx(np.mean(shares), abs=0.02)


def test_the_batch_is_the_greedy_one(model: Posterior) -> None:
    problem = read_problem(SPACE, "macs", "top1", (), lambda: model, None, {}, None)
    cover = Cover.of(draw_fronts(problem, model.draws(6, 0)))
    batch = cover.choose(3)
    number = cover.candidates.shape[1]
    for i in range(3):
        before = list(batch.chosen[:i])
        best = max(cover.share([*before, j]) for j in range(number))
        assert cover.share([*before, batch.chosen[i]]) == pytest.approx(best)
    assert batch.after == pytest.approx(cover.share(list(batch.chosen)))
    assert list(batch.gains) == sorted(batch.gains, reverse=True)


def test_a_batch_goes_on_from_what_is_under_way(model: Posterior) -> None:
    problem = read_problem(SPACE, "macs", "top1", (), lambda: model, None, {}, None)
    whole = choose(problem, model, 4, draws=8)
    names = [str(each.architecture) for each in whole]
    rest = choose(problem, model, 2, pending=names[:2], draws=8)
    assert [str(each.architecture) for each in rest] == names[2:] and rest.pending == 2
    assert rest.before == pytest.approx(whole.before + whole[0].gain + whole[1].gain)


def test_a_batch_is_spread_over_the_budget(model: Posterior) -> None:
    found = propose(SPACE, 6, accuracy=model, draws=16)
    macs = sorted(each.values["macs"] for each in found)
    front = found.problem.of(max(SPACE.architectures(), key=lambda each: found.problem.of(each)[0]))[0]
    assert macs[0] < 0.15 * front and macs[-1] > 0.4 * front


def test_fewer_doubts_agree_more() -> None:
    known = after(runs(architectures(120), 0.05), "many")
    found = propose(SPACE, 4, accuracy=known, draws=16)
    assert found.agreement.worth > 0.99 and found.before > 0.5


def test_what_cannot_be_proposed_is_refused(model: Posterior) -> None:
    with pytest.raises(LambdaArchError, match="expected top1 among the objectives"):
        propose(SPACE, 3, minimize="macs,params", accuracy=model)
    with pytest.raises(LambdaArchError, match="count=0: expected a whole number from 1"):
        propose(SPACE, 0, accuracy=model)
    with pytest.raises(LambdaArchError, match="nothing in the space keeps the bounds"):
        propose(SPACE, 3, accuracy=model, where="macs<=1M", draws=2)


def test_the_command_proposes_from_runs_in_a_file(tmp_path: Path) -> None:
    trained = [str(architecture) for architecture in architectures(3)]
    (tmp_path / "runs.csv").write_text(
        "architecture,top1\n" + "".join(f'"{name}",7{i}\n' for i, name in enumerate(trained))
    )
    args = ("search", "--accuracy", "runs.csv", "--propose", 3, "--draws", 4, "--format", "json")
    done = run(*args, cwd=tmp_path)
    found = json.loads(done.out)
    assert done.code == 0 and found["trained"] == 3 and len(found["proposals"]) == 3
    assert not {each["architecture"] for each in found["proposals"]} & set(trained)
    assert run(*args, cwd=tmp_path).out == done.out


def test_the_report_says_what_is_unknown_and_what_is_refuted() -> None:
    unknown = report_of(propose(SPACE, 1, accuracy=after([], "nothing"), draws=2))
    assert unknown.data["proposals"][0]["top1_predicted"] is None and unknown.tables[0].rows[0]["top1"] == ""
    assert any("nothing is known of the level" in note for note in unknown.tables[0].notes)
    interacting = runs(architectures(60), 0.2, interaction=3.0)
    for pairs in (False, True):
        model = after(interacting, "simulated", pairs=pairs)
        notes = " ".join(report_of(propose(SPACE, 1, accuracy=model, draws=2)).tables[0].notes)
        assert ("additivity is refuted" in notes) is not pairs


def test_the_command_says_what_flags_are_for(tmp_path: Path) -> None:
    assert "only for a search with --propose" in run("search", "--draws", 4).err
    assert "expected a whole number from 1" in run("search", "--propose", 0).err
    done = run("search", "--propose", 2, "--verify", 1)
    assert done.code == 2 and "--verify 1: only for a front" in done.err


def test_the_command_shows_the_coverage_of_intervals() -> None:
    done = run("search", "--coverage", "--format", "json")
    found = json.loads(done.out)
    assert [each["level"] for each in found["coverage"]] == [0.5, 0.8, 0.95]
    for each in found["coverage"]:
        inside = [
            r[f"low{100 * each['level']:.0f}"] <= r["top1"] <= r[f"high{100 * each['level']:.0f}"]
            for r in found["runs"]
        ]
        assert each["inside"] == sum(inside) and abs(each["share"] - each["level"]) < 0.15
    assert "additivity is not refuted" in found["additivity"]["says"]
