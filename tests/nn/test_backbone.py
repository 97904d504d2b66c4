"""Backbones return the classifier's own maps, for any image, prepared or not, frozen or not."""

import pytest
import torch
from torch import nn

from lambda_arch import ArchitectureError, build, parse, prepare
from lambda_arch.arch.stages import stages
from lambda_arch.interop.agreement import randomize_norms
from lambda_arch.nn import (
    Backbone,
    FrozenBatchNorm2d,
    freeze_batch_norms,
    image_groups,
    load,
    set_evaluation,
    to_safetensors,
)
from lambda_arch.nn.frozen_batch_norm import BATCH_NORMS

LAMBDA = "lambda_resnet18:stages=C-CC-CL-LL,k=4,h=4,u=2,m=5,c4.u=1,stem=rs,se=0.25,classes=10@64"
STAGES = ("c2", "c3", "c4", "c5")


@pytest.fixture(scope="module")
def classifier():
    torch.manual_seed(0)
    network = build(LAMBDA).eval()
    randomize_norms(network)
    return network


def maps_of(network, images):
    """Return every stage's output by hooks, an independent way."""
    found = {}
    hooks = [
        module.register_forward_hook(lambda _m, _i, output, name=name: found.update({name: output.clone()}))
        for name, module in network.named_children()
        if name != "head"
    ]
    with torch.no_grad():
        network(images)
    for hook in hooks:
        hook.remove()
    return found


def assert_maps(found, expected, names):
    assert list(found) == list(names)
    for name in names:
        assert expected[name].abs().max() > 0.1
        torch.testing.assert_close(found[name], expected[name], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("size", [(64, 64), (65, 97), (40, 130)])
def test_maps_are_the_classifiers_for_any_image(classifier, size):
    backbone = build(LAMBDA, features=STAGES).eval()
    backbone.load_state_dict(classifier.state_dict())
    images = torch.randn(2, 3, *size)
    with torch.no_grad():
        found = backbone(images)
    assert_maps(found, maps_of(classifier, images), STAGES)
    for each, channels, stride in zip(found.values(), backbone.channels, backbone.strides, strict=True):
        assert tuple(each.shape) == (2, channels, *(-(-side // stride) for side in size))
    assert (backbone.features, backbone.channels, backbone.strides) == (STAGES, (256, 512, 1024, 2048), (4, 8, 16, 32))


@pytest.mark.parametrize("evaluation", ["matrix/sum", "convolution/accumulate", "queries_first", "auto"])
def test_evaluations_apply(classifier, evaluation):
    backbone = build(LAMBDA, features=("c4", "c5"), evaluation=evaluation).eval()
    backbone.load_state_dict(classifier.state_dict())
    images = torch.randn(1, 3, 48, 80)
    with torch.no_grad():
        assert_maps(backbone(images), maps_of(classifier, images), ("c4", "c5"))


@pytest.mark.parametrize("frozen", [False, True])
def test_prepared_backbones_return_the_same_maps_in_groups_of_images(classifier, frozen, monkeypatch):
    backbone = build(LAMBDA, features=("c3", "c5"), frozen_batch_norm=frozen).eval()
    backbone.load_state_dict(classifier.state_dict())
    prepared = prepare(backbone)
    assert (prepared.features, prepared.channels, prepared.strides) == (("c3", "c5"), (512, 2048), (8, 32))
    folded = prepared.network.stem, prepared.network.c2  # norms after lambda layers stay
    assert not any(isinstance(each, BATCH_NORMS) for part in folded for each in part.modules())
    images = torch.randn(2, 3, 65, 97)
    expected, split = maps_of(classifier, images), []
    monkeypatch.setattr(image_groups, "LARGE", image_groups.LARGEST_MAP * 65 * 97)  # one image at a time
    prepared.network.register_forward_pre_hook(lambda _, given: split.append(len(given[0])))
    with torch.no_grad():
        assert_maps(prepared(images), expected, ("c3", "c5"))
    assert split == [1, 1]


def test_stages_above_the_last_feature_are_left_out(classifier):
    backbone = build(LAMBDA, features=("c3", "stem")).eval()
    assert [name for name, _ in backbone.named_children()] == ["stem", "c2", "c3"]
    backbone.load_state_dict(classifier.state_dict())  # strict: c4, c5 and the head are not missed
    assert list(backbone(torch.randn(1, 3, 32, 32))) == ["stem", "c3"]
    wrapped = nn.ModuleDict({"body": backbone})
    wrapped.load_state_dict({f"body.{name}": value for name, value in classifier.state_dict().items()})
    with pytest.raises(RuntimeError, match=r"Unexpected key.*other"):
        backbone.load_state_dict({**classifier.state_dict(), "other.weight": torch.ones(1)})
    with pytest.raises(RuntimeError, match=r"Missing key.*stem"):
        backbone.load_state_dict({})


def test_a_file_of_weights_loads_without_its_head(classifier, tmp_path):
    path = tmp_path / "w.safetensors"
    path.write_bytes(to_safetensors(classifier))
    network = load(path)
    freeze_batch_norms(network)
    backbone = Backbone(network, ("c5",))
    assert not any(isinstance(module, nn.BatchNorm2d) for module in backbone.modules())
    images = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        assert_maps(backbone.train()(images), maps_of(classifier, images), ("c5",))


def test_global_scopes_are_refused_above_their_size_in_one_line():
    name = "lambda_resnet18:stages=CCCL,k=4,h=4,m=global@64"
    backbone = build(name, features=("c5",)).eval()
    with torch.no_grad():
        assert backbone(torch.randn(1, 3, 64, 40))["c5"].shape == (1, 2048, 2, 2)
        for each in (backbone, prepare(backbone), build(name, features=("c5",), evaluation="matrix/sum")):
            with pytest.raises(ArchitectureError, match=r"^4x7: expected a map of at most 4x4, the size[^\n]*$"):
                each(torch.randn(1, 3, 64, 100))
        larger = build(name, features=("c5",), image_size=128)
        assert larger(torch.randn(1, 3, 64, 100))["c5"].shape == (1, 2048, 2, 4)


@pytest.mark.parametrize(
    ("name", "features", "strides"),
    [
        ("efficientnet_b0@32", ("stage2", "stage3", "stage5", "stage7"), (4, 8, 16, 32)),
        ("lambda_mobilenet", ("layer1", "layer3", "layer6", "layer12"), (1, 2, 4, 8)),
        ("lambda_resnet18:stride=no@32", STAGES, (4, 4, 4, 4)),
    ],
)
def test_channels_and_strides_are_those_of_the_maps_in_every_family(name, features, strides):
    backbone = build(name, features=features).eval()
    assert backbone.strides == strides
    with torch.no_grad():
        found = backbone(torch.randn(1, 3, 32, 64))
    assert [each.shape[1] for each in found.values()] == list(backbone.channels)
    assert [64 // each.shape[3] for each in found.values()] == list(strides)


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (("c6",), "features=c6: no stage of resnet50; expected some of stem, c2, c3, c4, c5"),
        (("head",), "features=head: no stage of resnet50"),
        ("c5", "features='c5': expected some of"),
        ((), r"features=\(\): expected some of"),
        (("c5", "c5"), "features=c5,c5: expected every stage once"),
    ],
)
def test_other_features_are_one_line(features, message):
    with pytest.raises(ArchitectureError, match=message):
        build("resnet50", features=features, device="meta")


def test_stages_have_no_head():
    assert list(stages(parse("resnet50"))) == ["stem", *STAGES]
    assert stages(parse("lambda_resnet101_hybrid"))["c4"] == ("c4", 1024, 16)


def test_frozen_norms_compute_as_batch_norms_and_never_change(classifier):
    norm = nn.BatchNorm2d(6, eps=1e-3)
    randomize_norms(nn.Sequential(norm))
    frozen = FrozenBatchNorm2d(6, eps=1e-3)
    frozen.load_state_dict(norm.state_dict())
    x = torch.randn(2, 6, 5, 4)
    torch.testing.assert_close(frozen.train()(x), norm.eval()(x))
    assert list(frozen.parameters()) == []
    assert sorted(frozen.state_dict()) == ["bias", "running_mean", "running_var", "weight"]
    again = nn.BatchNorm2d(6, eps=1e-3).eval()
    again.load_state_dict(frozen.state_dict())
    torch.testing.assert_close(again(x), norm(x))


def test_a_frozen_network_trains_its_other_weights_only(classifier):
    network = build(LAMBDA, frozen_batch_norm=True)
    network.load_state_dict(classifier.state_dict())
    assert not any(isinstance(module, nn.BatchNorm2d) for module in network.modules())
    before = {name: value.clone() for name, value in network.state_dict().items()}
    network.train()
    optimizer = torch.optim.SGD(network.parameters(), 0.1)
    network(torch.randn(2, 3, 64, 64)).square().mean().backward()
    optimizer.step()
    changed = {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}
    assert {"c4.2.spatial.lambdas.queries.weight", "c2.1.reduce.conv.weight"} <= changed
    norms = {name for name in before if "norm" in name}
    assert norms
    assert not changed & norms


def test_freezing_keeps_outputs_and_sharing():
    network = build("lambda_resnet18:stages=CCCL,k=4,h=4,m=3,shared_embeddings=yes@32").eval()
    randomize_norms(network)
    images = torch.randn(1, 3, 32, 32)
    with torch.no_grad():
        expected = network(images)
        freeze_batch_norms(network)
        set_evaluation(network, "matrix/sum")
        torch.testing.assert_close(network(images), expected, rtol=1e-4, atol=1e-4)
