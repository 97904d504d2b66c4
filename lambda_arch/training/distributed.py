"""Several processes that train one network, as torchrun starts them. Imports torch."""

import os
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from lambda_arch.errors import SetupError


@dataclass(frozen=True)
class World:
    """The processes of a run: this one's ``rank`` among ``size``, and its device."""

    rank: int
    size: int
    device: torch.device

    @property
    def main(self) -> bool:
        """Whether this process writes and reports."""
        return self.rank == 0

    def total(self, values: Tensor) -> Tensor:
        """Return the sum over the processes."""
        if self.size > 1:
            dist.all_reduce(values)
        return values

    def largest(self, value: int) -> int:
        """Return the largest of the processes' values."""
        if self.size == 1:
            return value
        values = torch.tensor(value, device=self.device)
        dist.all_reduce(values, dist.ReduceOp.MAX)
        return int(values)

    def wait(self) -> None:
        """Wait for all processes."""
        if self.size > 1:
            dist.barrier()


def join(device: str) -> World:
    """Return the world of this process: alone, or one of those that torchrun started (NCCL on GPUs, gloo on CPUs)."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        return World(0, 1, torch.device(device))
    rank, local = int(os.environ["RANK"]), int(os.environ.get("LOCAL_RANK", "0"))
    kind = device.partition(":")[0]
    if kind not in ("cpu", "cuda"):
        raise SetupError(f"device={device}: expected cpu or cuda where several processes train together")
    if kind == "cuda":
        torch.cuda.set_device(local)
    if not dist.is_initialized():
        dist.init_process_group("nccl" if kind == "cuda" else "gloo")
    return World(rank, size, torch.device(kind, local) if kind == "cuda" else torch.device("cpu"))


def leave() -> None:
    """Leave the world, if there is one."""
    if dist.is_available() and dist.is_initialized():
        dist.destroy_process_group()


def synchronize_norms(network: nn.Module, world: World) -> nn.Module:
    """Return ``network`` with batch norms over the whole batch, in place; parameters and names stay as they are."""
    if world.size == 1:
        return network
    if world.device.type == "cuda":
        return nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-any-return,no-untyped-call]
    for module in network.modules():
        if type(module) is nn.BatchNorm2d:
            module.__class__ = BatchNormOfAll
    return network


class _SumOverProcesses(torch.autograd.Function):
    """The sum of the processes' tensors; its gradient is the sum of theirs (torch's own all_reduce is deprecated)."""

    @staticmethod
    def forward(_: Any, x: Tensor) -> Tensor:
        total = x.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(_: Any, gradient: Tensor) -> Tensor:
        return _SumOverProcesses.forward(None, gradient)


def _sum_over_processes(x: Tensor) -> Tensor:
    total: Tensor = _SumOverProcesses.apply(x)  # type: ignore[no-untyped-call]
    return total


class BatchNormOfAll(nn.BatchNorm2d):
    """A batch norm over the batch of all processes, on CPUs, where torch's SyncBatchNorm does not run."""

    def forward(self, x: Tensor) -> Tensor:
        """Return x (b, c, H, W), normalised."""
        if not self.training:
            return super().forward(x)
        count = dist.get_world_size() * x.numel() / x.shape[1]
        mean = _sum_over_processes(x.sum((0, 2, 3))) / count
        centred = x - mean.view(1, -1, 1, 1)
        variance = _sum_over_processes(centred.square().sum((0, 2, 3))) / count
        with torch.no_grad():
            assert self.running_mean is not None and self.running_var is not None
            assert self.num_batches_tracked is not None
            self.num_batches_tracked += 1
            rate = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
            self.running_mean.lerp_(mean.to(self.running_mean.dtype), rate)
            self.running_var.lerp_((variance * (count / (count - 1))).to(self.running_var.dtype), rate)
        scale = self.weight * (variance + self.eps).rsqrt()
        normalized: Tensor = centred * scale.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)
        return normalized
