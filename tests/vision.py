"""torchvision and timm beside a torch build that torchvision's compiled operators are not made for."""

import sys

import torch

_DEFINED = []
"""The library of our operators, which must outlive every use."""


def import_torchvision():
    """Import torchvision; where its compiled operators do not load, with ``nms`` in Python.

    torchvision registers shapes for ``nms`` and ``qnms`` when it is imported, and fails if neither exists.
    """
    try:
        import torchvision
    except RuntimeError:
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        library.impl("nms", _nms, "CPU")
        _DEFINED.append(library)
        import torchvision

        torchvision.extension._has_ops = lambda: True  # which nms asks
    return torchvision


def _nms(boxes, scores, iou_threshold):
    """Return the indices of the boxes (n, 4) kept by greedy non-maximum suppression, best first."""
    from torchvision.ops import box_iou

    left, kept = scores.argsort(descending=True), []
    while len(left):
        kept.append(left[0])
        overlaps = box_iou(boxes[left[:1]], boxes[left[1:]])[0]
        left = left[1:][overlaps <= iou_threshold]
    return torch.stack(kept) if kept else left
