"""The accuracy of a network on the validation images. Imports torch."""

import time

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from lambda_arch.arch import Architecture
from lambda_arch.errors import DataError
from lambda_arch.training.accuracy import Accuracy
from lambda_arch.training.augmentation import Augmentation
from lambda_arch.training.batches import ValidationBatches, batches
from lambda_arch.training.data import Data
from lambda_arch.training.distributed import World


def measure_accuracy(
    network: nn.Module,
    architecture: Architecture,
    data: Data,
    source: ValidationBatches,
    augmentation: Augmentation,
    world: World,
    *,
    workers: int = 0,
    autocast: torch.dtype | None = None,
    memory_format: torch.memory_format = torch.contiguous_format,
) -> Accuracy:
    """Return the accuracy of ``network`` on the validation images of ``data``, which ``source`` loads.

    All processes together make it, and each gets it.

    Raises :class:`lambda_arch.DataError` for an image that cannot be read, and where none could.
    """
    device = world.device
    # images and right guesses by class; then right among five, and the sum of the losses
    counts = torch.zeros(2, len(data.classes), device=device)
    others = torch.zeros(2, device=device)
    damaged: list[str] = []
    was_training = network.training
    network.eval()
    start = time.perf_counter()
    try:
        with torch.inference_mode():
            for batch in batches(source, range(len(source)), workers, device.type == "cuda"):
                damaged += batch.damaged
                if not len(batch.labels):
                    continue
                images = augmentation.normalized(batch.images.to(device, non_blocking=True))
                labels = batch.labels.to(device, non_blocking=True)
                with torch.autocast(device.type, autocast, enabled=autocast is not None):
                    logits = network(images.to(memory_format=memory_format))
                _count(logits.float(), labels, counts, others)
    finally:
        network.train(was_training)
    world.total(counts)
    world.total(others)
    seen = int(counts[0].sum())
    if not seen:
        raise DataError(f"{damaged[0] if damaged else 'validation'}: no image could be read")
    return Accuracy(
        architecture=str(architecture),
        data=data.name,
        classes=data.classes,
        images=seen,
        top1=100 * float(counts[1].sum()) / seen,
        top5=100 * float(others[0]) / seen,
        loss=float(others[1]) / seen,
        images_per_second=seen / (time.perf_counter() - start),
        per_class=tuple((int(of), int(right)) for of, right in counts.T.tolist()),
        damaged=tuple(damaged),
    )


def _count(logits: Tensor, labels: Tensor, counts: Tensor, others: Tensor) -> None:
    guesses = logits.topk(min(5, logits.shape[1]), 1).indices
    right = guesses == labels.view(-1, 1)
    counts[0] += labels.bincount(minlength=counts.shape[1])
    counts[1] += labels[right[:, 0]].bincount(minlength=counts.shape[1])
    others[0] += right.sum()
    others[1] += cross_entropy(logits, labels, reduction="sum")
