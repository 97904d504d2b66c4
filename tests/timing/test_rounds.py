"""The schedule of interleaved rounds, with workers that only pretend."""

import pytest

from lambda_arch.store import Setup
from lambda_arch.timing import Limits
from lambda_arch.timing.rounds import Finished, Job, Loaded, Loading, Sampled, groups, interleaved_rounds

pytestmark = pytest.mark.usefixtures("workers")
SETUP = Setup(threads=1)
ENOUGH = Limits(spread=0.05, min_rounds=5)


@pytest.fixture(autouse=True)
def _fates(workers):
    workers.fates = {name: name for name in ("oom", "crash@2", "noisy")}


def run(*names, baseline="", limits=ENOUGH):
    jobs = [Job(name, SETUP, baseline=name == baseline) for name in names]
    return list(interleaved_rounds(jobs, limits))


def sampled(events):
    return [(event.round, event.job.architecture) for event in events if isinstance(event, Sampled)]


def finished(events):
    return {event.job.architecture: event for event in events if isinstance(event, Finished)}


def test_every_network_is_sampled_in_every_round():
    events = run("a", "b")
    assert [type(event) for event in events[:4]] == [Loading, Loaded] * 2
    assert sampled(events) == [(number, name) for number in range(1, 6) for name in "ab"]
    assert {event.status for event in finished(events).values()} == {"ok"}


def test_a_noisy_network_goes_on_and_its_baseline_with_it():
    rounds = sampled(run("base", "other", "noisy", baseline="base"))
    last = {name: number for number, name in rounds}
    assert last["other"] == 5
    assert last["base"] == last["noisy"] > 9


def test_time_ends_what_stays_noisy():
    assert len(sampled(run("noisy", limits=Limits(spread=1e-9, seconds=0.0, min_rounds=5)))) == 3


def test_what_fails_costs_only_itself():
    events = finished(run("oom", "a", "crash@2", "b"))
    assert {name: event.status for name, event in events.items()} == {
        "oom": "oom",
        "a": "ok",
        "crash@2": "crash",
        "b": "ok",
    }
    assert not events["oom"].co_resident  # it was the first
    assert events["crash@2"].co_resident


def test_stopping_ends_the_workers():
    events = interleaved_rounds([Job("a", SETUP)], ENOUGH)
    next(event for event in events if isinstance(event, Sampled))
    events.close()


def test_groups_hold_one_setup_and_the_baselines_each():
    other = Setup(batch_size=2, threads=1)
    jobs = [Job("base", SETUP, baseline=True), *(Job(f"n{i}", SETUP) for i in range(5)), Job("alone", other)]
    found = list(groups(jobs, co_resident=3))
    assert [[job.architecture for job in group] for group in found] == [
        ["base", "n0", "n1"],
        ["base", "n2", "n3"],
        ["base", "n4"],
        ["alone"],
    ]


def test_runtimes_that_are_compared_are_in_one_group():
    openvino = Setup(threads=1, runtime="openvino", runtime_version="1")
    jobs = [
        Job("a", SETUP, baseline=True, group="a"),
        Job("b", SETUP, baseline=True, group="b"),
        Job("a", openvino, group="a"),
        Job("b", openvino, group="b"),
    ]
    found = [[(job.architecture, job.setup.runtime) for job in group] for group in groups(jobs)]
    assert found == [[("a", "torch"), ("a", "openvino")], [("b", "torch"), ("b", "openvino")]]
