import pytest

from lambda_arch import calibrate, predict
from lambda_arch.arch import parse
from lambda_arch.errors import ArchitectureError, SetupError
from lambda_arch.store import Setup, Store
from lambda_arch.timing import block_latencies
from lambda_arch.timing.progress import Planned
from lambda_arch.timing.rounds import Loading

NETWORK = "lambda_resnet18:stages=CLLC,m=3@32"


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "s.db") as opened:
        yield opened


def hosts_of(*architectures, **options):
    """Return the calibration, and the names of the host networks that it ran."""
    planned = []
    found = calibrate(architectures, threads=1, progress=planned.append, **options)
    (plan,) = [event for event in planned if isinstance(event, Planned)]
    return found, [job.architecture for job in plan.jobs]


@pytest.mark.slow
def test_calibrated_in_place_and_added_up(store):
    """In processes: every part of a network has a latency, and so has their sum."""
    found = calibrate(NETWORK, threads=1, seconds=0.2, store=store)
    assert (found.failures, found.interrupted) == ((), False)
    assert set(found.parts) == set(found.latencies.by_key)
    assert all(summary.median > 0 for summary in found.latencies.by_key.values())
    (prediction,) = predict(NETWORK, threads=1, store=store).predictions
    assert prediction.seconds == found.latencies.network(parse(NETWORK)) > 0
    assert prediction.error is None
    assert str(found).count("c4.first L m=3 @4") == 1


def test_what_is_known_is_not_timed_again(workers, store):
    first, hosts = hosts_of(NETWORK, store=store)
    assert len(hosts) == 1
    assert all(summary.median == 1.0 for summary in first.latencies.by_key.values())
    assert hosts_of(NETWORK, store=store)[1] == []
    more, hosts = hosts_of(NETWORK, "resnet18@32", store=store)
    assert hosts == ["resnet50@32"]  # the blocks of NETWORK's own settings are known
    assert len(first.parts) < len(more.parts)
    assert hosts_of(NETWORK, store=store, fresh=True)[1] != []
    assert block_latencies(store, Setup(batch_size=2, threads=1)).by_key == {}


@pytest.mark.parametrize(
    "name",
    [
        "lambda_resnet18:stride=no@32",
        "lambda_resnet18:pool=first@32",
        "lambda_resnet18:pool=2x2,activation=silu@32",
        "lambda_mobilenet",
        "efficientnet_b0@32",
    ],
)
def test_any_network_that_the_walk_knows_is_calibrated(workers, store, name):
    assert calibrate(name, threads=1, store=store).failures == ()
    (prediction,) = predict(name, threads=1, store=store).predictions
    assert prediction.seconds == len(list(parse(name).parts()))  # a second per part


def test_choices_add_the_parts_of_all_their_networks(workers, store):
    calibrate("resnet18@32", choices="m=3|5", threads=1, store=store)
    found = predict("resnet18@32", random=5, choices="m=3|5", measure=True, threads=1, store=store)
    assert len(found.predictions) == 5
    assert {prediction.seconds for prediction in found.predictions} == {10.0}  # parts, a second each
    assert [prediction.error for prediction in found.predictions] == [9.0] * 5  # the fake's steps take one
    with pytest.raises(SetupError, match=r"parts were not calibrated for cpu, batch 1.*such as c2"):
        predict("lambda_resnet18:k=8@32", threads=1, store=store)
    with pytest.raises(ArchitectureError, match="choices=m=3: expected a ResNet"):
        calibrate("lambda_mobilenet", choices="m=3", store=store)


def test_what_fails_is_told(workers, store):
    workers.fates = {"resnet50@32": "oom"}
    found = calibrate("resnet18@32", threads=1, store=store)
    assert found.failures == ("resnet50@32: oom, too large",)
    assert found.latencies.by_key == {}


def test_prepared_networks_have_other_parts(store):
    for verb in (calibrate, predict):
        with pytest.raises(SetupError, match="expected evaluation=auto"):
            verb(NETWORK, evaluation="prepared", store=store)


HOST = "resnet50@32"  # of every part of resnet18@32


@pytest.mark.parametrize(("fate", "words"), [("restless", "noisy: IQR 100%"), ("disturbed", "others used about 80%")])
def test_disturbed_parts_are_measured_again_and_marked_where_they_stay_so(workers, store, fate, words):
    workers.fates = {HOST: fate}
    events = []
    found = calibrate("resnet18@32", threads=1, seconds=0.2, store=store, progress=events.append)
    assert sum(isinstance(event, Loading) for event in events) == 2  # the second within the time given
    assert all(words in texts[0] for texts in found.latencies.warnings.values())
    assert words in str(found) and len(found.latencies.warnings) == len(found.parts)
    (prediction,) = predict("resnet18@32", threads=1, store=store).predictions
    assert prediction.warnings
    low, high = prediction.interval
    assert low <= prediction.seconds <= high
    assert (high > low) == (fate == "restless")
    with pytest.raises(SetupError, match=r"of its parts are not sound, such as .*strict=True"):
        predict("resnet18@32", strict=True, threads=1, store=store)


def test_a_part_that_is_quiet_the_second_time_is_kept_so(workers, store, monkeypatch):
    workers.fates = {HOST: "restless"}
    loads = []

    def quiet_after_the_first(event):
        if isinstance(event, Loading) and (loads.append(event) or len(loads) > 1):
            workers.fates = {}

    found = calibrate("resnet18@32", threads=1, seconds=0.2, store=store, progress=quiet_after_the_first)
    assert len(loads) == 2
    assert not any(found.latencies.warnings.values())
    assert predict("resnet18@32", strict=True, threads=1, store=store).predictions[0].warnings == {}


def test_parts_that_are_not_sound_are_measured_again_in_more_time(workers, store):
    workers.fates = {HOST: "disturbed"}
    assert hosts_of("resnet18@32", store=store, seconds=5)[1] == [HOST]
    assert hosts_of("resnet18@32", store=store, seconds=5)[1] == []  # as much time as then
    workers.fates = {}
    found, hosts = hosts_of("resnet18@32", store=store, seconds=10)
    assert hosts == [HOST]
    assert not any(found.latencies.warnings.values())
