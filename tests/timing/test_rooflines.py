import pytest

from lambda_arch.errors import SetupError
from lambda_arch.store import Store
from lambda_arch.timing import devices, roofline


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "s.db") as opened:
        yield opened


def test_stages_are_compute_bound_or_memory_bound(workers, store):
    (network,) = roofline("resnet18@32", threads=1, store=store).networks
    assert [stage.stage for stage in network.stages] == ["stem", "c2", "c3", "c4", "c5", "head"]
    assert [stage.seconds for stage in network.stages] == [1.0, 2.0, 2.0, 2.0, 2.0, 1.0]  # a second per part
    for stage in network.stages:
        assert (stage.compute, stage.memory) == (stage.flops / 1e11, stage.bytes / 1e10)
        assert stage.bound == ("compute-bound" if stage.compute >= stage.memory else "memory-bound")
    assert network.stages[-1].bound == "memory-bound"


def test_training_counts_the_backward_pass(workers, store):
    forward, training = (roofline("resnet18@32", mode=mode, threads=1, store=store) for mode in ("inference", "train"))
    factors = [b.flops / a.flops for a, b in zip(forward.networks[0].stages, training.networks[0].stages, strict=True)]
    assert factors == [2, 3, 3, 3, 3, 3]  # the images need no gradient
    assert training.networks[0].stages[0].bytes > 2 * forward.networks[0].stages[0].bytes
    assert "In training also" in str(training)
    assert "In training also" not in str(forward)


@pytest.mark.parametrize("name", ["lambda_mobilenet", "efficientnet_b0@32"])
def test_other_families_have_rooflines_too(workers, store, name):
    (network,) = roofline(name, threads=1, store=store).networks
    assert network.stages[-1].stage == "head"


def test_what_runs_as_one_is_refused(workers, store):
    with pytest.raises(SetupError, match="run the parts as one; expected neither"):
        roofline("resnet18@32", compile=True, store=store)
    with pytest.raises(SetupError, match="dtype=bf16: cpu has no measured peak"):
        roofline("resnet18@32", dtype="bf16", threads=1, store=store)


def test_devices_and_their_peaks_are_looked_at_once(workers, store):
    (device,) = devices(threads=1, store=store).devices
    assert (device.name, device.peaks) == ("cpu", {"fp32": 1e11, "copy": 1e10})
    assert device.machine["device_name"] == "a device"
    started = workers.started
    assert devices(threads=1, store=store).devices == (device,)
    assert workers.started == started + 1  # to list the devices: one was looked at, and its peaks are known
    assert "a device" in str(devices(threads=1, store=store))


def test_what_cannot_be_run_is_said(workers, store):
    workers.fates = {"resnet18@32": "oom"}
    with pytest.raises(SetupError, match="resnet18@32: oom, too large"):
        roofline("resnet18@32", threads=1, store=store)
