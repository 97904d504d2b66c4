import pytest
import torch

from lambda_arch.errors import SetupError
from lambda_arch.training.augmentation import GROUP, Augmentation
from lambda_arch.training.recipe import Recipe

MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.25, 0.3)


def augment(images, labels=None, seed=0, first=0, **settings):
    recipe = Recipe(epochs=1, batch_size=4, **settings)
    augmentation = Augmentation(recipe, images.shape[-1], MEAN, STD)
    return augmentation(images, torch.zeros(len(images)).long() if labels is None else labels, seed, first)


@pytest.fixture
def images():
    return torch.randint(0, 256, (40, 3, 16, 16), generator=torch.Generator().manual_seed(0)).to(torch.uint8)


def test_without_augmentation_images_are_normalised(images):
    done, targets = augment(images)
    expected = (images.float() / 255 - torch.tensor(MEAN).view(1, 3, 1, 1)) / torch.tensor(STD).view(1, 3, 1, 1)
    assert torch.allclose(done, expected, atol=1e-6) and targets.others is None


EVERY = [
    {"hflip": 0.5},
    {"crop": "pad", "pad": 2},
    {"crop": "resized"},
    {"aa": "rand-m9-n2"},
    {"aa": "original"},
    {"aa": "trivial"},
    {"reprob": 0.5},
    {"mixup": 0.4},
    {"cutmix": 1.0},
    {"mixup": 0.4, "cutmix": 1.0, "hflip": 0.5},
]


@pytest.mark.parametrize("settings", EVERY, ids=str)
def test_the_seed_and_the_place_decide(images, settings):
    labels = torch.arange(40) % 5
    first, targets = augment(images, labels, 3, **settings)
    assert first.shape == images.shape and first.dtype == torch.float32 and torch.isfinite(first).all()
    again, same = augment(images, labels, 3, **settings)
    assert torch.equal(first, again)
    assert not torch.equal(first, augment(images, labels, 4, **settings)[0])
    # the second group, alone on another device
    alone, others = augment(images[GROUP:], labels[GROUP:], 3, first=GROUP, **settings)
    assert torch.equal(first[GROUP:], alone)
    logits = torch.randn(40, 5)
    assert targets.loss(logits, 0.1) == same.loss(logits, 0.1)
    if targets.others is not None:
        assert torch.equal(targets.others[GROUP:], others.others)


def test_flips_and_padded_crops_move_pixels_and_no_more(images):
    flipped, _ = augment(images, hflip=0.5)
    plain, _ = augment(images)
    turned = [torch.allclose(a, b.flip(-1), atol=1e-5) for a, b in zip(flipped, plain, strict=True)]
    kept = [torch.allclose(a, b, atol=1e-5) for a, b in zip(flipped, plain, strict=True)]
    assert all(a != b for a, b in zip(turned, kept, strict=True)) and 8 < sum(turned) < 32
    cropped, _ = augment(images, crop="pad", pad=2)
    padded = torch.nn.functional.pad(plain, (2, 2, 2, 2), mode="reflect")
    for crop, source in zip(cropped, padded, strict=True):
        windows = source.unfold(1, 16, 1).unfold(2, 16, 1).permute(1, 2, 0, 3, 4).flatten(0, 1)
        assert min(float((window - crop).abs().max()) for window in windows) < 1e-4


@pytest.mark.parametrize("settings", [{"mixup": 1.0}, {"cutmix": 1.0}], ids=str)
def test_what_is_mixed_is_learned_in_proportion(settings):
    # images of one value each: their own label; the share of the other can be read off the mean
    labels = torch.arange(30)
    images = (labels * 8).to(torch.uint8).view(-1, 1, 1, 1).expand(-1, 3, 16, 16).contiguous()
    mixed, targets = augment(images, labels, 1, **settings)
    pixels = (mixed * torch.tensor(STD).view(1, 3, 1, 1) + torch.tensor(MEAN).view(1, 3, 1, 1)) * 255 / 8
    expected = labels * (1 - targets.share) + targets.others * targets.share
    assert torch.allclose(pixels.mean((1, 2, 3)), expected, atol=0.1)
    logits = torch.randn(30, 30)
    each = torch.nn.functional.cross_entropy
    wanted = [
        (1 - s) * each(row[None], a[None]) + s * each(row[None], b[None])
        for row, a, b, s in zip(logits, labels, targets.others, targets.share, strict=True)
    ]
    assert float(targets.loss(logits, 0.0)) == pytest.approx(float(torch.stack(wanted).mean()), rel=1e-5)


def test_a_reflected_pad_has_to_fit():
    with pytest.raises(SetupError, match="pad=16: expected less than the side of the images, 16"):
        augment(torch.zeros(1, 3, 16, 16, dtype=torch.uint8), crop="pad", pad=16)
