"""A network in training: its optimizer, schedule, moving average, and one step. Imports torch."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from lambda_arch.arch import Architecture
from lambda_arch.nn import Network, build, set_evaluation
from lambda_arch.nn.regularization import regularize
from lambda_arch.training.augmentation import Augmentation
from lambda_arch.training.batches import Batch, Place
from lambda_arch.training.checkpoints import EMA, WEIGHTS
from lambda_arch.training.data import Data
from lambda_arch.training.distributed import World, synchronize_norms
from lambda_arch.training.optimization import make_optimizer, make_schedule
from lambda_arch.training.recipe import Recipe
from lambda_arch.training.seeds import seed_of
from lambda_arch.training.session import Session

AMP = {"none": None, "bf16": torch.bfloat16, "fp16": torch.float16}


class Trainer:
    """The network of an architecture and all that changes while it is trained by a recipe.

    ``share``: images of a step on this device; ``part``: those that pass through the network at once. ``network`` keeps
    the names of its parameters, whatever runs around it.
    """

    def __init__(
        self, architecture: Architecture, data: Data, recipe: Recipe, session: Session, seed: int, world: World
    ) -> None:
        self.recipe, self.seed, self.world = recipe, seed, world
        self.share = recipe.batch_size // world.size
        self.part = self.share // recipe.grad_accum_steps
        self.steps = len(data.train.labels) // recipe.batch_size
        self.memory_format = torch.channels_last if session.channels_last else torch.contiguous_format
        self.amp = AMP[recipe.amp]
        torch.manual_seed(seed_of(seed, "weights"))
        network = build(architecture)
        network.to(world.device, memory_format=self.memory_format)  # type: ignore[call-overload]
        set_evaluation(network, session.evaluation, self.part, training=True, dtype=self.amp)
        regularize(network, drop=recipe.drop, drop_path=recipe.drop_path)
        self.network = cast(Network, synchronize_norms(network, world))
        self.ema: AveragedModel | None = None
        if recipe.model_ema:
            average = get_ema_multi_avg_fn(recipe.model_ema)  # type: ignore[no-untyped-call]
            self.ema = AveragedModel(self.network, multi_avg_fn=average, use_buffers=True)
        self.parallel: DistributedDataParallel | None = None
        if world.size > 1:
            devices = [world.device.index] if world.device.type == "cuda" else None
            self.parallel = DistributedDataParallel(self.network, devices)
        around = self.parallel or self.network
        self.forward = torch.compile(around) if session.compile else around
        self.optimizer = make_optimizer(recipe, self.network)
        self.schedule = make_schedule(recipe, self.optimizer, max(1, self.steps))
        self.scaler = torch.amp.GradScaler(world.device.type, enabled=recipe.amp == "fp16")
        self.augmentation = Augmentation(recipe, architecture.image_size, data.mean, data.std, cropped=data.train.crops)
        # of this epoch so far: sum of the losses, right first guesses, images
        self.sums = torch.zeros(3, device=world.device)

    @property
    def evaluated(self) -> Network:
        """The network whose accuracy counts: the moving average, where there is one."""
        return self.network if self.ema is None else cast(Network, self.ema.module)

    def step(self, batch: Batch, place: Place) -> Tensor:
        """Learn from a batch, and return its mean loss on this device, not waited for."""
        self.network.train()
        self.optimizer.zero_grad(set_to_none=True)
        found = torch.zeros((), device=self.world.device)
        for start in range(0, self.share, self.part):
            with self._gradients(last=start + self.part == self.share):
                found += self._accumulate(batch, place, start)
        if self.recipe.clip_grad:
            self.scaler.unscale_(self.optimizer)
            nn.utils.clip_grad_norm_(self.network.parameters(), self.recipe.clip_grad)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.schedule.step()
        if self.ema is not None:
            self.ema.update_parameters(self.network)
        return found

    def _accumulate(self, batch: Batch, place: Place, start: int) -> Tensor:
        """Add the gradients of the part of ``batch`` from ``start``, and return its share of the mean loss."""
        device, part = self.world.device, slice(start, start + self.part)
        images = batch.images[part].to(device, non_blocking=True)
        labels = batch.labels[part].to(device, non_blocking=True)
        first = self.world.rank * self.share + start
        images, targets = self.augmentation(images, labels, seed_of(self.seed, "augmentation", *place), first)
        torch.manual_seed(seed_of(self.seed, "step", *place, first))
        with self._autocast():
            logits = self.forward(images.to(memory_format=self.memory_format)).float()
            loss = targets.loss(logits, self.recipe.smoothing)
        self.scaler.scale(loss / self.recipe.grad_accum_steps).backward()  # type: ignore[no-untyped-call]
        found = loss.detach()
        right = (logits.detach().argmax(1) == labels).sum()
        self.sums += torch.stack([found * len(labels), right.to(found.dtype), found.new_tensor(len(labels))])
        return found / self.recipe.grad_accum_steps

    def _gradients(self, *, last: bool) -> AbstractContextManager[object]:
        """Return the context of a backward pass: processes exchange gradients in the last of a step."""
        return nullcontext() if last or self.parallel is None else self.parallel.no_sync()

    def _autocast(self) -> AbstractContextManager[object]:
        return torch.autocast(self.world.device.type, self.amp, enabled=self.amp is not None)

    @property
    def rate(self) -> float:
        """The learning rate of the next step."""
        return float(self.optimizer.param_groups[0]["lr"])

    def networks(self) -> dict[str, Network]:
        """Return what a checkpoint keeps as safetensors, by the names of the files."""
        return {WEIGHTS: self.network} | ({} if self.ema is None else {EMA: self.evaluated})

    def state(self) -> dict[str, Any]:
        """Return the rest of what changes, tensors and plain values."""
        return {
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "scaler": self.scaler.state_dict(),
            "averaged": 0 if self.ema is None else int(self.ema.n_averaged),
            "sums": self.sums.cpu(),
        }

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Go back to a state; the networks' weights are loaded apart."""
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        self.scaler.load_state_dict(state["scaler"])
        if self.ema is not None:
            self.ema.n_averaged.fill_(state["averaged"])
        self.sums.copy_(state["sums"])
