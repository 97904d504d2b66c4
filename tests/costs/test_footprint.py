"""Memory before running, against what torch saves, tracks and keeps when the network really runs."""

import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from lambda_arch import memory
from lambda_arch.arch import parse
from lambda_arch.arch.evaluation import parse_evaluation
from lambda_arch.costs import count
from lambda_arch.costs.tape.step import run_step
from lambda_arch.costs.tape.tape import Tape
from lambda_arch.errors import ArchitectureError, SetupError
from lambda_arch.nn import build
from tests.families import efficientnets, mobilenets
from tests.strategies import resnets

FEW = hypothesis_settings(max_examples=4)
EVALUATIONS = (
    "convolution", "convolution/sum", "convolution/product", "folded", "folded:y4/product", "matrix", "matrix/sum",
    "queries_first", "fft", "fused", "convolution/accumulate/recompute", "queries_first/recompute",
)  # fmt: skip
ERRORS = (0, 0.01, 0.001, 0, 0, 0.03, 0.001, 0, 0)
"""The relative error of the peak of each of NAMES."""
NAMES = (
    "lambda_resnet18@32",
    "lambda_resnet18:stages=CLLL,m=global,u=2,lambda_bias=yes,shared_embeddings=yes@32",
    "lambda_resnet18:key_norm=l2,query_softmax=yes,h=1,stem=rs,pool=2x2@40",
    "lambda_resnet18:content=no,batch_norm=no,stem=tiered@33",
    "resnet18:se=0.25,activation=silu,stem=deep,shortcut_bias=yes@33",
    "resnet18:stages=GXSA@32",
    "resnet18:stages=DDAA,downsample=yes@32",
    "lambda_mobilenet",
    "efficientnet_b0@64",
)


def images_of(architecture, batch):
    side = architecture.image_size
    return torch.zeros(batch, 3, side, side), torch.zeros(batch, dtype=torch.long)


def loss_of(network, images, labels, dtype):
    with torch.autocast("cpu", torch.bfloat16, enabled=dtype == "bf16"):
        return F.cross_entropy(network(images).float(), labels)


def saved_by_torch(network, batch, dtype="fp32"):
    """The bytes of all storages that autograd saves, without weights, images and labels."""
    images, labels = images_of(network.architecture, batch)
    own = {each.untyped_storage()._cdata for each in (*network.parameters(), *network.buffers(), images, labels)}
    saved = {}

    def keep(tensor):
        storage = tensor.untyped_storage()
        if storage._cdata not in own:
            saved[storage._cdata] = storage
        return tensor.detach()  # an output that is saved itself would keep its graph for ever

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss_of(network.train(), images, labels, dtype)
    return sum(storage.nbytes() for storage in saved.values())


def tracked_peak(network, batch, dtype="fp32", training=True):
    """The peak that MemTracker sees while the network runs, without the weights."""
    from torch.distributed._tools.mem_tracker import MemTracker  # seconds to import

    images, labels = images_of(network.architecture, batch)
    network.train(training)
    tracker = MemTracker()
    tracker.track_external(network, images, labels)
    with tracker, torch.set_grad_enabled(training):
        if training:
            loss_of(network, images, labels, dtype).backward()
        else:
            network(images)
    weights = sum(each.nbytes for each in (*network.parameters(), *network.buffers()))
    return tracker.get_tracker_snapshot("peak")[torch.device("cpu")]["Total"] - weights


def traced_peak(architecture, batch, dtype="fp32", evaluation="canonical", recompute=False, training=True):
    """Our peak under a tracker: there autograd does not add up gradients in place."""
    chosen = parse_evaluation(evaluation)
    tape = Tape(training=training, low=2 if dtype == "bf16" else 4, evaluation=lambda part: chosen, in_place=False)
    return sum(run_step(architecture, tape, batch, recompute).peak.values())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "dtype"), [*((name, "fp32") for name in NAMES), *((name, "bf16") for name in NAMES[1::2])]
)
def test_saved_activations_are_exact(name, dtype):
    assert memory(name, batch_size=2, mode="train", dtype=dtype).saved == saved_by_torch(build(name), 2, dtype)


@pytest.mark.slow
@pytest.mark.parametrize("evaluation", EVALUATIONS)
@pytest.mark.parametrize("dtype", ["fp32", "bf16"])
def test_saved_activations_are_exact_in_every_evaluation(evaluation, dtype):
    names = ("lambda_resnet18:stages=LLCC,m=5,u=2,lambda_bias=yes,classes=10@40", "lambda_resnet18:stages=LCCL@32")
    for name in names if dtype == "fp32" else names[:1]:
        network = build(name, evaluation=evaluation)
        found = memory(name, batch_size=2, mode="train", dtype=dtype, evaluation=evaluation)
        assert found.saved == saved_by_torch(network, 2, dtype), name


def test_saved_activations_are_exact_for_one_network():
    name = "lambda_resnet18:stages=CCCL,classes=10@32"
    assert memory(name, batch_size=3, mode="train").saved == saved_by_torch(build(name), 3)


@pytest.mark.slow
@FEW
@given(resnets(depths=(18,), max_size=48, small=True))
def test_saved_activations_are_exact_for_random_resnets(architecture):
    assert memory(architecture, batch_size=2, mode="train").saved == saved_by_torch(build(architecture), 2)


@pytest.mark.slow
@FEW
@given(mobilenets(max_size=32) | efficientnets(variants=(0,), max_size=64))
def test_saved_activations_are_exact_for_random_networks_of_other_families(architecture):
    assert memory(architecture, batch_size=2, mode="train").saved == saved_by_torch(build(architecture), 2)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "error"), list(zip(NAMES, ERRORS, strict=True)))
def test_the_peak_of_a_training_step_is_the_trackers(name, error):
    assert traced_peak(parse(name), 2) == pytest.approx(tracked_peak(build(name), 2), rel=error, abs=0)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES[1::2])
def test_the_peak_of_inference_is_the_trackers(name):
    theirs = tracked_peak(build(name), 2, training=False) - 16  # without the labels
    assert traced_peak(parse(name), 2, training=False) == pytest.approx(theirs, rel=0.001)


@pytest.mark.slow
@pytest.mark.parametrize("evaluation", ["convolution/sum", "folded", "queries_first", "fft", "matrix/recompute"])
def test_the_peak_of_every_evaluation_is_the_trackers(evaluation):
    name = "lambda_resnet18:stages=LLCC,classes=10@32"
    assert traced_peak(parse(name), 2, evaluation=evaluation) == tracked_peak(build(name, evaluation=evaluation), 2)


@pytest.mark.slow
def test_recomputed_blocks_save_their_inputs_alone():
    name = "lambda_resnet18:classes=10@32"
    network = build(name)
    for part in network.architecture.parts():
        if part.path not in ("stem", "head"):
            block = network.get_submodule(part.path)
            block.forward = _checkpointed(block.forward)
    theirs = tracked_peak(network, 2)
    assert traced_peak(parse(name), 2, recompute=True) == theirs
    again, once = (memory(name, batch_size=64, mode="train", recompute=each) for each in (True, False))
    assert again.saved < once.saved / 3
    assert again.peak < once.peak


def _checkpointed(forward):
    return lambda x: checkpoint(forward, x, use_reentrant=False)


@pytest.mark.parametrize("name", ["lambda_resnet18@32", "efficientnet_b0@32", "resnet18:stages=GXSA@32"])
def test_weights_are_those_of_the_network(name):
    network, found = build(name, device="meta"), memory(name, mode="train")
    assert found.parameters == found.gradients == sum(each.nbytes for each in network.parameters())
    assert found.buffers == sum(each.nbytes for each in network.buffers())


@pytest.mark.parametrize(
    ("optimizer", "make"),
    [
        ("sgd", lambda each: torch.optim.SGD(each, 0.1)),
        ("sgd-momentum", lambda each: torch.optim.SGD(each, 0.1, momentum=0.9)),
        ("adam", torch.optim.Adam),
        ("adamw", torch.optim.AdamW),
        ("rmsprop", torch.optim.RMSprop),
    ],
)
def test_the_optimizers_state_is_torchs(optimizer, make):
    name = "lambda_resnet18:stages=CCCL,m=3,shared_embeddings=yes,lambda_bias=yes,classes=10@32"
    network = build(name)
    for parameter in network.parameters():
        parameter.grad = torch.zeros_like(parameter)
    made = make(network.parameters())
    made.step()
    state = [each for of in made.state.values() for each in of.values() if isinstance(each, torch.Tensor)]
    assert memory(name, mode="train", optimizer=optimizer).optimizer_state == sum(each.nbytes for each in state)


@pytest.mark.parametrize("mode", ["inference", "train"])
def test_the_largest_batch_that_fits(mode):
    limit = 500_000_000
    found = memory("lambda_resnet18@64", mode=mode, fits="500MB")
    assert found.peak <= limit < memory("lambda_resnet18@64", mode=mode, batch_size=found.batch_size + 1).peak
    assert memory("lambda_resnet18@64", mode=mode, fits=limit) == found
    with pytest.raises(SetupError, match=r"fits=1MB: lambda_resnet18@64 takes [\d.]+ MB for one image"):
        memory("lambda_resnet18@64", fits="1MB")


def test_a_footprint_adds_up():
    found = memory("lambda_resnet50", batch_size=128, mode="train")
    assert found.peak == sum(found.at_peak.values())
    assert found.saved == sum(row.saved for row in found.rows)
    paths = [row.path for row in count("lambda_resnet50").rows]
    assert [row.path for row in found.rows][: len(paths)] == paths
    assert found.at_peak["gradients"] <= found.gradients
    assert 0.97 * found.peak < found.saved < found.peak
    frame = found.to_frame()
    assert frame["peak"][0] == found.peak
    assert "saved for backward" in str(found)


def test_memory_grows_with_the_batch_and_shrinks_with_the_dtype():
    one, two = (memory("lambda_resnet18@64", batch_size=each, mode="train") for each in (8, 16))
    low = memory("lambda_resnet18@64", batch_size=16, mode="train", dtype="bf16")
    assert 1.9 < (two.saved - 1000) / one.saved <= 2
    assert low.saved < two.saved
    assert memory("lambda_resnet18@64", batch_size=16).peak < low.peak


def test_auto_is_the_cost_models_choice():
    found = memory("lambda_resnet18@64", batch_size=4, mode="train", evaluation="auto")
    assert found.evaluation == "auto"
    assert found.saved != memory("lambda_resnet18@64", batch_size=4, mode="train").saved


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"batch_size": 0}, "batch_size=0: expected a whole number"),
        ({"mode": "trian"}, "did you mean train"),
        ({"dtype": "fp61"}, "dtype=fp61: expected one of fp32, bf16"),
        ({"optimizer": "adamv"}, "did you mean adam"),
        ({"device": "tpu"}, "device=tpu: expected one of cpu, cuda"),
        ({"evaluation": "matrx"}, "did you mean matrix"),
        ({"recompute": True}, "expected mode=train"),
        ({"fits": "24"}, "fits=24: expected what a network could cost"),
    ],
)
def test_bad_input_is_named(arguments, words):
    with pytest.raises((ArchitectureError, SetupError, ValueError), match=words):
        memory("lambda_resnet18", **arguments)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("dtype", ["fp32", "bf16"])
@pytest.mark.parametrize("name", ["resnet50", "lambda_resnet50", "efficientnet_b0"])
def test_the_peak_is_that_of_cudas_allocator(name, dtype):  # pragma: no cover
    """Tensors are rounded up to 512 bytes there, and convolutions take a workspace: within 10 %."""
    network = build(name, device="cuda").train()
    images, labels = (each.cuda() for each in images_of(network.architecture, 32))
    for _ in range(2):
        network.zero_grad(set_to_none=True)
        torch.cuda.reset_peak_memory_stats()
        with torch.autocast("cuda", torch.bfloat16, enabled=dtype == "bf16"):
            loss = F.cross_entropy(network(images).float(), labels)
        loss.backward()
    ours = memory(name, batch_size=32, mode="train", dtype=dtype, device="cuda", optimizer="sgd")
    assert torch.cuda.max_memory_allocated() == pytest.approx(ours.peak, rel=0.1)
