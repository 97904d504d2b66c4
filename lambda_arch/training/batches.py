"""The batches of a run, each by its epoch and step, loaded by worker processes or by this one. Imports torch."""

import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from lambda_arch.errors import DataError
from lambda_arch.training.data import Images
from lambda_arch.training.seeds import seed_of

Place = tuple[int, int]
"""Epoch and step, from 0."""


@dataclass(frozen=True, slots=True)
class Places:
    """The steps of a run that are left: from ``step`` of ``epoch`` to the end of ``epochs``, ``steps`` in each."""

    epoch: int
    step: int
    epochs: int
    steps: int

    def __len__(self) -> int:
        return max(0, (self.epochs - self.epoch) * self.steps - self.step)

    def __iter__(self) -> Iterator[Place]:
        for epoch in range(self.epoch, self.epochs):
            for step in range(self.step if epoch == self.epoch else 0, self.steps):
                yield epoch, step


@dataclass
class Batch:
    """Images (b, 3, S, S), uint8, with labels (b,); those of ``damaged`` files were replaced by others of the batch."""

    images: Tensor
    labels: Tensor
    damaged: list[str]


class TrainingBatches(Dataset[Batch | DataError]):
    """The part of rank ``rank`` of every training batch: ``batch_size / ranks`` images.

    Every epoch has its own order of the images, by the seed; those that do not fill a batch are left out of it.
    """

    def __init__(
        self,
        images: Images,
        size: int,
        batch_size: int,
        seed: int,
        *,
        cropped: bool = False,
        rank: int = 0,
        ranks: int = 1,
        skip_damaged: bool = False,
    ) -> None:
        self.images, self.size, self.batch_size, self.seed = images, size, batch_size, seed
        self.cropped = cropped
        self.share = batch_size // ranks
        self.first = rank * self.share
        self.skip_damaged = skip_damaged
        self.steps = len(images.labels) // batch_size
        self._order: tuple[int, Tensor] = (-1, torch.empty(0))

    def __getitem__(self, place: Place) -> Batch | DataError:
        """Return the batch, or the error that it ends with: an exception would come with a worker's traceback."""
        epoch, step = place
        start = step * self.batch_size + self.first
        indices = self._indices(epoch)[start : start + self.share].tolist()
        seeds = None
        if self.cropped:
            seeds = [seed_of(self.seed, "crop", epoch, start + i) for i in range(len(indices))]
        try:
            return load(self.images, indices, self.size, seeds, skip_damaged=self.skip_damaged)
        except DataError as error:
            return error

    def _indices(self, epoch: int) -> Tensor:
        if self._order[0] != epoch:
            draw = torch.Generator().manual_seed(seed_of(self.seed, "order", epoch))
            self._order = epoch, torch.randperm(len(self.images.labels), generator=draw)
        return self._order[1]


class ValidationBatches(Dataset[Batch | DataError]):
    """The images of rank ``rank`` in order, ``batch_size`` at a time; damaged ones are left out."""

    def __init__(
        self, images: Images, size: int, batch_size: int, *, rank: int = 0, ranks: int = 1, skip_damaged: bool = False
    ) -> None:
        self.images, self.size, self.batch_size = images, size, batch_size
        self.indices = range(rank, len(images.labels), ranks)
        self.skip_damaged = skip_damaged

    def __len__(self) -> int:
        return (len(self.indices) + self.batch_size - 1) // self.batch_size

    def __getitem__(self, step: int) -> Batch | DataError:
        """Return the batch, or the error that it ends with."""
        indices = self.indices[step * self.batch_size : (step + 1) * self.batch_size]
        try:
            return load(self.images, indices, self.size, None, skip_damaged=self.skip_damaged, replace=False)
        except DataError as error:
            return error


def load(
    images: Images,
    indices: Sequence[int],
    size: int,
    seeds: Sequence[int] | None,
    *,
    skip_damaged: bool = False,
    replace: bool = True,
) -> Batch:
    """Return a batch. Damaged images are replaced by the next good one of the batch, or left out.

    Raises :class:`lambda_arch.DataError` for a damaged image, unless ``skip_damaged``, and for a batch of nothing else.
    """
    labels = torch.from_numpy(images.labels[list(indices)])
    try:
        return Batch(images.load(indices, size, seeds), labels, [])
    except DataError:
        if not skip_damaged:
            raise
    good: list[Tensor] = []
    kept: list[int] = []
    damaged: list[str] = []
    for i, index in enumerate(indices):
        try:
            good.append(images.load([index], size, None if seeds is None else [seeds[i]]))
            kept.append(i)
        except DataError as error:
            damaged.append(str(error))
    if not good and replace:
        raise DataError(f"{damaged[0]}; and so are all {len(damaged)} images of its batch")
    if not good:
        return Batch(torch.empty(0, 3, size, size, dtype=torch.uint8), labels[:0], damaged)
    if replace:
        chosen = [next((j for j, place in enumerate(kept) if place >= i), 0) for i in range(len(indices))]
    else:
        chosen = list(range(len(kept)))
    places = [kept[j] for j in chosen]
    return Batch(torch.cat([good[j] for j in chosen]), labels[places], damaged)


def batches(
    source: TrainingBatches | ValidationBatches, order: Places | Sequence[int], workers: int, pinned: bool
) -> Iterator[Batch]:
    """Yield the batches of ``source`` in ``order``, loaded ahead by ``workers`` processes, or by this one without.

    Raises :class:`lambda_arch.DataError` as soon as one cannot be loaded.
    """
    loader: DataLoader[Batch | DataError] = DataLoader(
        source,
        batch_size=None,
        sampler=order,
        num_workers=workers,
        collate_fn=_as_it_is,
        pin_memory=pinned,
        worker_init_fn=_undisturbed if workers else None,
    )
    for batch in loader:
        if isinstance(batch, DataError):
            raise batch
        yield batch


def _as_it_is(batch: Any) -> Any:
    return batch


def _undisturbed(_: int) -> None:
    """Leave signals to the main process, which saves and then ends the workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    torch.set_num_threads(1)
