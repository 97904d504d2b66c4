"""Prepared networks that run as was fastest on their device."""

import pytest
import torch

from lambda_arch import build, prepare
from lambda_arch.nn.evaluation import ceilings
from lambda_arch.nn.preparation import ALL, Preparation
from lambda_arch.store import Store
from lambda_arch.store.machines import keep_machine
from lambda_arch.timing import ceilings as timing_ceilings
from lambda_arch.timing.preparing import fastest_preparation, keep_preparation, measure_preparations, read_preparation
from lambda_arch.timing.protocol.messages import Machine

HERE = Machine("cuda", "a GPU", 1, "9.0", "", "", "", "2.0", "0", "a cpu", 2, "Linux", "3.11")
GRAPH, PLAIN = Preparation(), Preparation(channels_last=False, cuda_graph=False)
COMPILED = Preparation(cuda_graph=False, compile=True)


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "s.db") as opened:
        keep_machine(opened, {**HERE.as_dict(), "fingerprint": HERE.fingerprint})
        yield opened


def test_the_fastest_is_kept_and_read_for_the_nearest_batch(store):
    keep_preparation(store, HERE.fingerprint, 128, torch.bfloat16, {GRAPH: 1.0, PLAIN: 2.0})
    keep_preparation(store, HERE.fingerprint, 1, torch.bfloat16, {GRAPH: 2.0, PLAIN: 1.0})
    for batch_size, expected in ((1, PLAIN), (4, PLAIN), (64, GRAPH), (300, GRAPH)):
        assert read_preparation(store, HERE.fingerprint, batch_size, torch.bfloat16) == expected
    assert read_preparation(store, HERE.fingerprint, 1, torch.float32) is None
    assert read_preparation(store, "elsewhere", 1, torch.bfloat16) is None


def test_compiled_ones_join_what_was_measured_before(store):
    keep_preparation(store, HERE.fingerprint, 1, torch.float32, {GRAPH: 2.0, PLAIN: 3.0})
    keep_preparation(store, HERE.fingerprint, 1, torch.float32, {COMPILED: 1.0})
    assert read_preparation(store, HERE.fingerprint, 1, torch.float32) == COMPILED
    keep_preparation(store, HERE.fingerprint, 1, torch.float32, {COMPILED: 2.5})  # measured again
    assert read_preparation(store, HERE.fingerprint, 1, torch.float32) == GRAPH


def test_measured_tries_every_preparation_and_keeps_the_times(store, monkeypatch):
    monkeypatch.setattr("lambda_arch.timing.worker.machine.describe_machine", lambda device: HERE)
    monkeypatch.setattr(timing_ceilings, "use_ceilings", lambda *_: None)
    seconds = dict.fromkeys(ALL, 2.0) | {COMPILED: 1.0}
    device = torch.device("cuda:0")
    assert fastest_preparation(device, 8, torch.float32, store) is None
    assert fastest_preparation(device, 8, torch.float32, store, lambda: seconds) == COMPILED
    assert fastest_preparation(device, 8, torch.float32, store, None) == COMPILED  # without measuring


def test_preparations_are_timed_on_images_of_the_network(monkeypatch):
    """On a CPU a preparation has no effect, but what is timed is the same."""
    network = build("lambda_resnet18:k=2,m=3,classes=3@32").eval()
    shapes = []
    monkeypatch.setattr("lambda_arch.nn.prepare", lambda *arguments: lambda x: shapes.append((arguments[3], x.shape)))
    found = measure_preparations(network, 2, torch.bfloat16)
    assert set(found) == set(ALL) and all(value >= 0 for value in found.values())
    assert {shape for _, shape in shapes} == {(2, 3, 32, 32)} and {each for each, _ in shapes} == set(ALL)


def test_a_preparation_of_another_version_is_not_used(store):
    keep_preparation(store, HERE.fingerprint, 1, torch.float32, {GRAPH: 1.0})
    store.rows("UPDATE choice SET evaluation = 'tensor_rt'")
    assert read_preparation(store, HERE.fingerprint, 1, torch.float32) is None


def test_rates_of_a_new_gpu_are_measured_once_and_kept(store, monkeypatch):
    measured = []

    def measure(device, seconds):
        measured.append(device)
        return [("copy", 1e12, ""), ("fp32", 2e12, ""), ("narrow_fp32", 1e11, "")]

    monkeypatch.setattr(ceilings, "measure_rates", measure)
    monkeypatch.setattr(ceilings, "_known", {})
    device = torch.device("cuda:0")
    with pytest.warns(UserWarning, match="a GPU: measuring its rates once"):
        timing_ceilings.use_ceilings(store, device, HERE)
    first = ceilings._known.pop("a GPU")
    timing_ceilings.use_ceilings(store, device, HERE)
    assert measured == ["cuda:0"]
    assert ceilings._known["a GPU"] == first == ceilings.Ceilings(1e12, {"fp32": 2e12}, {"fp32": 1e11})
    timing_ceilings.use_ceilings(store, torch.device("cpu"))  # needs none


def test_on_a_cpu_it_is_the_prepared_network(tmp_path):
    network = build("lambda_resnet18:k=2,m=3,classes=3@32").eval()
    x = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(prepare(network, 2, store=tmp_path / "s.db")(x), network(x), rtol=1e-3, atol=1e-4)
    assert not (tmp_path / "s.db").exists()
    with pytest.raises(ValueError, match="preparation=channels_frist: expected plain, or some of"):
        prepare(network, preparation="channels_frist")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_cuda_a_stored_preparation_is_used(tmp_path):
    from lambda_arch.timing.worker.machine import describe_machine

    network = build("lambda_resnet18:k=2,m=3,classes=3@32", device="cuda").eval()
    with Store(tmp_path / "s.db") as store:
        here = describe_machine("cuda:0")
        keep_machine(store, {**here.as_dict(), "fingerprint": here.fingerprint})
        keep_preparation(store, here.fingerprint, 1, torch.float32, {PLAIN: 1.0, GRAPH: 2.0})
    assert prepare(network, store=tmp_path / "s.db").network.preparation == PLAIN
