import pytest

from lambda_arch.arch import parse
from lambda_arch.store import Setup
from lambda_arch.timing.worker.sampling import SHORTEST_SAMPLE, Sampler, is_steady

NETWORK = parse("resnet18@32")


def test_a_warm_up_is_over_when_its_last_two_windows_agree():
    assert not is_steady([1.0] * 9)
    assert is_steady([9.0, 8.0] + [1.0] * 10)
    assert not is_steady([2.0] * 5 + [1.0] * 5)
    assert not is_steady([0.5 * 0.8**i for i in range(30)])  # still getting faster


def test_a_network_is_warmed_up_and_sampled():
    sampler = Sampler(NETWORK, Setup(threads=1))
    loaded = sampler.warm_up(limit=0.0)
    assert len(loaded.warmup) == 2  # one for lazy work, one after it, whatever the limit
    assert not loaded.warm
    assert loaded.parts == ()
    assert loaded.repeat == 1 or min(loaded.warmup) < SHORTEST_SAMPLE
    found = sampler.sample(seconds=0.0)
    assert len(found.seconds) == 1
    assert found.parts == ()
    assert found.peak_memory >= loaded.base_memory > 0


def test_parts_are_sampled_within_the_step():
    sampler = Sampler(NETWORK, Setup(threads=1), by_part=True)
    paths = sampler.warm_up(limit=0.0).parts
    assert (paths[0], paths[-1]) == ("stem", "head")
    found = sampler.sample(seconds=0.0)
    assert [len(sample) for sample in found.parts] == [len(paths)]
    assert found.seconds == pytest.approx([sum(found.parts[0])])
