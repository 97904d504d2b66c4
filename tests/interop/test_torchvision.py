"""torchvision's pyramid and detectors on our backbones; our frozen norm against torchvision's."""

import pytest
import torch

from lambda_arch import build, prepare
from lambda_arch.interop.agreement import randomize_norms
from lambda_arch.lazy import is_installed
from lambda_arch.nn import FrozenBatchNorm2d
from tests.vision import import_torchvision

pytestmark = pytest.mark.skipif(not is_installed("torchvision"), reason="torchvision is not installed")

FEATURES = ("c3", "c4", "c5")
SETTINGS = {"k": 4, "h": 4, "m": 3}


@pytest.fixture(scope="module", autouse=True)
def _torchvision():
    import_torchvision()


@pytest.fixture
def weights():
    torch.manual_seed(0)
    classifier = build("lambda_resnet18", **SETTINGS)
    randomize_norms(classifier)
    return classifier.state_dict()


def test_frozen_norms_are_torchvisions():
    from torchvision.ops import FrozenBatchNorm2d as Theirs

    theirs = Theirs(5)
    for each in theirs.buffers():
        torch.nn.init.uniform_(each, 0.5, 1.5)
    ours = FrozenBatchNorm2d(5)
    ours.load_state_dict(theirs.state_dict())
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(2, 5, 3, 4)
    torch.testing.assert_close(ours(x), theirs(x))


def test_retinanet_trains_and_detects_on_a_pyramid_of_our_backbone(weights):
    from torchvision.models.detection import RetinaNet
    from torchvision.models.detection.anchor_utils import AnchorGenerator
    from torchvision.models.detection.backbone_utils import BackboneWithFPN

    body = build("lambda_resnet18", features=FEATURES, frozen_batch_norm=True, **SETTINGS)
    body.load_state_dict(weights)
    pyramid = BackboneWithFPN(body, {name: name for name in body.features}, list(body.channels), 16)
    anchors = AnchorGenerator(((16,), (32,), (64,), (128,)), ((1.0,),) * 4)
    detector = RetinaNet(
        pyramid, num_classes=3, min_size=64, max_size=96, anchor_generator=anchors, score_thresh=0.0, topk_candidates=20
    )
    images = [torch.rand(3, 64, 96), torch.rand(3, 80, 64)]
    targets = [{"boxes": torch.tensor([[4.0, 4.0, 40.0, 40.0]]), "labels": torch.tensor([1])} for _ in images]
    optimizer = torch.optim.SGD(detector.parameters(), 1e-3)
    losses = detector.train()(images, targets)
    assert set(losses) == {"classification", "bbox_regression"}
    sum(losses.values()).backward()
    for path in ("stem.1.conv.weight", "c4.1.spatial.lambdas.queries.weight", "c5.2.expand.conv.weight"):
        assert body.get_parameter(path).grad.abs().max() > 0
    norm = body.c4[0].reduce.norm.running_mean.clone()
    optimizer.step()
    with torch.no_grad():
        found = detector.eval()(images)
    assert torch.equal(body.c4[0].reduce.norm.running_mean, norm)
    assert len(found) == 2
    for each, image in zip(found, images, strict=True):
        assert len(each["boxes"]) == len(each["scores"]) > 0
        assert each["boxes"].amax(0)[2] <= image.shape[2]
        assert each["boxes"].amax(0)[3] <= image.shape[1]


def test_a_pyramid_takes_the_maps_of_prepared_backbones(weights):
    from torchvision.ops import FeaturePyramidNetwork

    body = build("lambda_resnet18", features=FEATURES, **SETTINGS).eval()
    body.load_state_dict(weights)
    prepared = prepare(body)
    pyramid = FeaturePyramidNetwork(prepared.channels, 8)
    images = torch.randn(1, 3, 65, 97)
    with torch.no_grad():
        ours, theirs = pyramid(prepared(images)), pyramid(body(images))
    for name in FEATURES:
        torch.testing.assert_close(ours[name], theirs[name], rtol=1e-4, atol=1e-4)
