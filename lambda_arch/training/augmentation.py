"""Augmentation, on the device and whole groups of images at a time. kornia does it; imports torch."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from lambda_arch.errors import SetupError
from lambda_arch.training.recipe import Recipe, rand_augment
from lambda_arch.training.seeds import seed_of

GROUP = 32
"""Images that draw together. A policy's operations are the same for a group, and images are mixed within it."""


@dataclass(frozen=True)
class Targets:
    """What images are labelled: ``labels`` (b,), and with mixing ``others`` (b,) by the share ``share`` (b,)."""

    labels: Tensor
    others: Tensor | None = None
    share: Tensor | None = None

    def loss(self, logits: Tensor, smoothing: float) -> Tensor:
        """Return the mean cross-entropy of ``logits`` (b, classes)."""
        if self.others is None or self.share is None:
            return cross_entropy(logits, self.labels, label_smoothing=smoothing)
        first = cross_entropy(logits, self.labels, label_smoothing=smoothing, reduction="none")
        second = cross_entropy(logits, self.others, label_smoothing=smoothing, reduction="none")
        return first.lerp(second, self.share).mean()


class Augmentation:
    """What a recipe does to images (b, 3, S, S), uint8, before a training step; they come out normalised.

    ``cropped``: whether they already come in crops of random size and shape.

    Raises :class:`lambda_arch.SetupError` where kornia is needed and not installed.
    """

    def __init__(
        self, recipe: Recipe, size: int, mean: tuple[float, ...], std: tuple[float, ...], *, cropped: bool = False
    ) -> None:
        self.mixup, self.cutmix = recipe.mixup, recipe.cutmix
        self.mean = torch.tensor(mean).view(1, -1, 1, 1)
        self.std = torch.tensor(std).view(1, -1, 1, 1)
        self.before, self.after = _operations(recipe, size, cropped)
        if recipe.mixup or recipe.cutmix:
            _kornia()

    def normalized(self, images: Tensor) -> Tensor:
        """Return uint8 images as floats of mean 0 and deviation 1."""
        return (images.float() / 255).sub_(self.mean.to(images.device)).div_(self.std.to(images.device))

    def __call__(self, images: Tensor, labels: Tensor, seed: int, first: int = 0) -> tuple[Tensor, Targets]:
        """Return images to train with, and what to learn of them.

        ``first`` is the place of the first image in the whole batch: groups draw by their place in it.
        """
        if not (self.before or self.after or self.mixup or self.cutmix):
            return self.normalized(images), Targets(labels)
        done = []
        for start in range(0, len(images), GROUP):
            torch.manual_seed(seed_of(seed, (first + start) // GROUP))
            done.append(self._group(images[start : start + GROUP], labels[start : start + GROUP]))
        if len(done) == 1:
            return done[0]
        parts = [targets for _, targets in done]
        others = [part.others for part in parts if part.others is not None]
        shares = [part.share for part in parts if part.share is not None]
        mixed = (torch.cat(others), torch.cat(shares)) if others else (None, None)
        return torch.cat([group for group, _ in done]), Targets(labels, *mixed)

    def _group(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Targets]:
        pixels = images.float() / 255
        for operation in self.before:
            pixels = operation(pixels)
        pixels = pixels.sub(self.mean.to(pixels.device)).div_(self.std.to(pixels.device))
        for operation in self.after:
            pixels = operation(pixels)
        return self._mixed(pixels, labels)

    def _mixed(self, pixels: Tensor, labels: Tensor) -> tuple[Tensor, Targets]:
        if not (self.mixup or self.cutmix):
            return pixels, Targets(labels)
        from kornia import augmentation as kornia

        mixup = self.mixup > 0 and (not self.cutmix or bool(torch.rand(()) < 0.5))
        keys = ["input", "class"]
        if mixup:
            drawn = float(torch.distributions.Beta(self.mixup, self.mixup).sample())
            mix = kornia.RandomMixUpV2(lambda_val=(drawn, drawn), data_keys=keys)
        else:
            mix = kornia.RandomCutMixV2(beta=self.cutmix, use_correct_lambda=True, data_keys=keys)
        pixels, mixed = mix(pixels, labels)
        mixed = mixed.reshape(-1, 3)
        share = mixed[:, 2].to(pixels.dtype)
        # kornia tells the other image's share of a mixup, and the first one's of a CutMix
        return pixels, Targets(labels, mixed[:, 1].long(), share if mixup else 1 - share)


Operations = list[Callable[[Tensor], Tensor]]


def _operations(recipe: Recipe, size: int, cropped: bool) -> tuple[Operations, Operations]:
    """Return what happens to pixels from 0 to 1, and to normalised ones."""
    before: Operations = []
    after: Operations = []
    plain = recipe.crop == "none" or (recipe.crop == "resized" and cropped)
    if plain and not recipe.hflip and recipe.aa == "none" and not recipe.reprob:
        return before, after
    kornia = _kornia()
    from kornia.augmentation.auto import AutoAugment, RandAugment, TrivialAugment

    if recipe.crop == "pad":
        if recipe.pad_mode == "reflect" and recipe.pad >= size:
            raise SetupError(f"pad={recipe.pad}: expected less than the side of the images, {size}")
        mode = recipe.pad_mode
        crop: nn.Module = kornia.RandomCrop((size, size), padding=recipe.pad, padding_mode=mode, cropping_mode="slice")
        before.append(crop)
    elif recipe.crop == "resized" and not cropped:
        before.append(kornia.RandomResizedCrop((size, size)))
    if recipe.hflip:
        before.append(kornia.RandomHorizontalFlip(p=recipe.hflip))
    if recipe.aa != "none":
        found = rand_augment(recipe.aa)
        if found is not None:
            before.append(RandAugment(n=found[1], m=found[0]))
        else:
            before.append(AutoAugment("imagenet") if recipe.aa == "original" else TrivialAugment())
    if recipe.reprob:
        after.append(kornia.RandomErasing(p=recipe.reprob))
    return before, after


def _kornia() -> Any:
    try:
        from kornia import augmentation
    except ImportError:
        raise SetupError("augmentation needs kornia; expected lambda-arch[train] to be installed") from None
    return augmentation
