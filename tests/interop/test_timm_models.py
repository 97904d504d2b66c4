"""Our networks in timm: by name, as features and as classifiers; and what wrappers of timm do with them."""

import pytest
import torch
from torch import nn

import lambda_arch
from lambda_arch import ArchitectureError, SetupError, build, parse
from lambda_arch.interop.agreement import randomize_norms
from lambda_arch.lazy import is_installed
from tests.vision import import_torchvision

pytestmark = pytest.mark.skipif(not is_installed("timm", "torchvision"), reason="timm is not installed")

RESNET = "lambda_arch_lambda_resnet18"
SMALL = {"k": 4, "h": 4, "m": 3}


@pytest.fixture(scope="module")
def timm():
    import_torchvision()
    import timm

    lambda_arch.timm.register()
    return timm


def test_every_named_architecture_is_listed_and_registering_twice_changes_nothing(timm, recwarn):
    names = lambda_arch.timm.register()
    assert set(timm.list_models("lambda_arch_*")) == set(names)
    assert not recwarn.list
    assert {"lambda_arch_lambda_resnet50", "lambda_arch_resnet101_rs_se", "lambda_arch_efficientnet_b0"} <= set(names)
    assert timm.list_models("lambda_arch_*", pretrained=True) == []


def test_features_are_the_stages(timm):
    found = timm.create_model("lambda_arch_lambda_resnet50", features_only=True, out_indices=(1, 3, 4))
    assert found.feature_info.channels() == [256, 1024, 2048]
    assert found.feature_info.reduction() == [4, 16, 32]
    assert found.feature_info.module_name() == ["c2", "c4", "c5"]


def test_features_are_those_of_a_backbone_with_the_same_weights(timm):
    features = timm.create_model(RESNET, features_only=True, **SMALL).eval()
    randomize_norms(features)
    backbone = build("lambda_resnet18", features=("stem", "c2", "c3", "c4", "c5"), **SMALL).eval()
    backbone.load_state_dict(features.state_dict())
    images = torch.randn(1, 3, 40, 72)
    with torch.no_grad():
        for ours, theirs in zip(backbone(images).values(), features(images), strict=True):
            torch.testing.assert_close(theirs, ours)


@pytest.mark.parametrize(
    ("name", "modules", "reductions"),
    [
        ("efficientnet_b0", ["stage1", "stage2", "stage3", "stage5", "stage7"], [2, 4, 8, 16, 32]),
        ("lambda_mobilenet", ["layer1", "layer3", "layer6", "layer12"], [1, 2, 4, 8]),
    ],
)
def test_other_families_have_the_last_stage_of_each_stride(timm, name, modules, reductions):
    features = timm.create_model(f"lambda_arch_{name}", features_only=True).eval()
    assert (features.feature_info.module_name(), features.feature_info.reduction()) == (modules, reductions)
    with torch.no_grad():
        maps = features(torch.randn(1, 3, 32, 64))
    assert [each.shape[1] for each in maps] == features.feature_info.channels()
    assert [64 // each.shape[3] for each in maps] == reductions


@pytest.mark.parametrize("name", ["lambda_resnet18", "efficientnet_b0", "mobilenet"])
def test_classifiers_do_what_timm_expects(timm, name):
    ours = build(name, classes=7).eval()
    model = timm.create_model(f"lambda_arch_{name}", num_classes=7).eval()
    model.load_state_dict(ours.state_dict())
    images = torch.randn(1, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(model(images), ours(images))
        torch.testing.assert_close(model.forward_head(model.forward_features(images)), ours(images))
        pooled = model.forward_head(model.forward_features(images), pre_logits=True)
        assert pooled.shape == (1, model.num_features)
        model.reset_classifier(0)
        torch.testing.assert_close(model(images), pooled)
        model.reset_classifier(0, "")
        torch.testing.assert_close(model(images), model.forward_features(images))
        model.reset_classifier(3, "avg")
        assert model(images).shape == (1, 3)
    assert (model.num_classes, model.get_classifier().out_features) == (3, 3)
    assert isinstance(model.get_submodule(model.pretrained_cfg["classifier"]), nn.Linear)
    assert isinstance(model.get_submodule(model.pretrained_cfg["first_conv"]), nn.Conv2d)


def test_settings_go_to_the_architecture(timm):
    model = timm.create_model(
        RESNET, **SMALL, img_size=(64, 96), evaluation="matrix/sum", frozen_batch_norm=True, drop_path_rate=0.1
    )
    assert model.architecture == parse("lambda_resnet18:k=4,h=4,m=3@96")
    assert {str(each.evaluation) for each in model.modules() if hasattr(each, "evaluation")} == {"matrix/sum"}
    assert not any(isinstance(each, nn.BatchNorm2d) for each in model.modules())


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"pretrained": True}, SetupError, "pretrained=True: there are no trained weights of lambda_resnet18"),
        ({"in_chans": 1}, SetupError, "in_chans=1: expected 3"),
        ({"kk": 1}, ArchitectureError, "kk=1: no such option"),
        ({"global_pool": "max"}, SetupError, "global_pool=max: expected avg"),
        ({"global_pool": ""}, SetupError, "global_pool=: expected avg"),
        ({"features_only": True, "out_indices": (5,)}, SetupError, "out_indices=5: expected 0 to 4, of stem, c2"),
    ],
)
def test_what_we_do_not_have_is_refused_in_one_line(timm, options, error, message):
    with pytest.raises(error, match=f"^{message}[^\n]*$"):
        timm.create_model(RESNET, **options)


def test_without_timm_the_extra_is_named(monkeypatch):
    monkeypatch.setattr("lambda_arch.lazy.find_spec", lambda name: None)
    with pytest.raises(SetupError, match=r"timm is not installed; expected `pip install 'lambda-arch\[timm\]'`"):
        lambda_arch.timm.register()


def test_mmpretrains_wrapper_gets_maps(timm):
    """TIMMBackbone: creates by keyword, resets the classifier if there is one, reads feature_info, wants tuples."""
    for features_only, count in ((True, 3), (False, 1)):
        chosen = {"out_indices": (1, 2, 3)} if features_only else {}
        model = timm.create_model(
            model_name=RESNET, features_only=features_only, pretrained=False, in_chans=3, checkpoint_path="", **chosen,
            **SMALL,
        )  # fmt: skip
        if hasattr(model, "reset_classifier"):
            model.reset_classifier(0, "")
        info = model.feature_info
        found = model(torch.randn(1, 3, 64, 96))
        maps = tuple(found) if isinstance(found, list | tuple) else (found,)
        assert len(maps) == count
        assert all(each.ndim == 4 for each in maps)
        assert isinstance(info, list) or [each.shape[1] for each in maps] == info.channels()


def test_transformers_wrapper_gets_maps_and_hidden_states(timm):
    """TimmBackbone: also negative indices, norms frozen by timm, all stages as hidden states by module names."""
    model = timm.create_model(
        RESNET, pretrained=False, features_only=True, in_chans=3, out_indices=(2, -1), **SMALL
    ).eval()
    timm.utils.model.freeze_batch_norm_2d(model)
    info = model.feature_info
    chosen = {each["module"]: str(each["index"]) for each in info.get_dicts()}
    assert chosen == {"c3": "2", "c5": "4"}
    stage_names, channels = [each["module"] for each in info.info], [each["num_chs"] for each in info.info]
    assert list(info.out_indices) == [2, -1]
    assert [stage_names[i] for i in info.out_indices] == info.module_name()
    images = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        maps = model(images)
        model.return_layers = {each["module"]: str(i) for i, each in enumerate(info.info)}
        hidden = model(images)
    assert [each.shape[1] for each in hidden] == channels
    for index, each in zip(info.out_indices, maps, strict=True):
        torch.testing.assert_close(hidden[index], each)
