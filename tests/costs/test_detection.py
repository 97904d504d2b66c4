"""The closed form of detectors against the built backbone and torchvision's own Mask R-CNN, counted by torch."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from lambda_arch import ArchitectureError, build, parse
from lambda_arch.costs.detection import detector_cost
from lambda_arch.lazy import is_installed
from tests.vision import import_torchvision

FEATURES = ("c2", "c3", "c4", "c5")
NAMES = ("lambda_resnet50_hybrid", "lambda_resnet18:k=4,h=4,m=3,stem=deep")


def counted(module, *inputs):
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        module(*inputs)
    return sum(each.numel() for each in module.parameters()), counter.get_total_flops() // 2


@pytest.mark.parametrize(("name", "size"), [(NAMES[0], 1024), (NAMES[1], 323)])
def test_backbones_cost_what_torch_counts(name, size):
    backbone = build(name, features=FEATURES, device="meta").eval()
    assert detector_cost(parse(name), size).backbone == counted(backbone, torch.empty(1, 3, size, size, device="meta"))


@pytest.mark.skipif(not is_installed("torchvision"), reason="torchvision is not installed")
@pytest.mark.parametrize("size", [1024, 323])
def test_pyramid_and_heads_are_torchvisions(size):
    import_torchvision()
    from torchvision.models.detection import maskrcnn_resnet50_fpn

    backbone = build(NAMES[1], features=FEATURES, device="meta").eval()
    with torch.device("meta"):
        detector = maskrcnn_resnet50_fpn(weights=None, weights_backbone=None)
        maps = backbone(torch.empty(1, 3, size, size))
        levels = detector.backbone.fpn(maps)
        boxes, masks = torch.empty(1000, 256, 7, 7), torch.empty(100, 256, 14, 14)
    roi = detector.roi_heads
    parts = [
        counted(detector.rpn.head, list(levels.values())),
        counted(torch.nn.Sequential(roi.box_head, roi.box_predictor), boxes),
        counted(torch.nn.Sequential(roi.mask_head, roi.mask_predictor), masks),
    ]
    found = detector_cost(parse(NAMES[1]), size)
    assert found.pyramid == counted(detector.backbone.fpn, maps)
    assert found.heads == tuple(map(sum, zip(*parts, strict=True)))
    assert (detector.eval().rpn.post_nms_top_n(), roi.detections_per_img) == (1000, 100)


def test_an_image_that_is_too_small_is_refused():
    with pytest.raises(ArchitectureError, match="image_size=16: expected a whole number from 32"):
        detector_cost(parse("resnet50"), 16)
