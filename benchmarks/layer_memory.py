"""What training keeps for the backward pass, by evaluation: exact, on the meta device, whatever memory there is.

    python -m benchmarks.layer_memory --batch 128

Every storage that autograd saves is counted once, parameters apart. It is the bulk of the peak memory of a training
step, which adds gradients, optimizer state and the largest operation's temporaries.
"""

import argparse

import torch
from torch import nn
from torch.autograd.graph import saved_tensors_hooks

from lambda_arch.nn import build

EVALUATIONS = (
    "canonical",
    "convolution/product",
    "convolution/sum",
    "convolution/accumulate",
    "matrix/accumulate",
    "queries_first",
    "fft/accumulate",
    "auto",
    "auto for training",
    "convolution/accumulate/recompute",
    "matrix/accumulate/recompute",
    "queries_first/recompute",
)


def saved_bytes(network: nn.Module, batch: int, size: int) -> int:
    """Return the bytes of all storages, but the parameters', that a training step of ``network`` saves."""
    own = {tensor.untyped_storage()._cdata for tensor in (*network.parameters(), *network.buffers())}
    kept: dict[int, torch.UntypedStorage] = {}  # alive, so that no identity is used twice

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in own:
            kept[storage._cdata] = storage
        return tensor

    with saved_tensors_hooks(keep, lambda tensor: tensor):
        output = network(torch.empty(batch, 3, size, size, device="meta"))
    del output
    return sum(storage.nbytes() for storage in kept.values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--architecture", default="lambda_resnet50")
    parser.add_argument("--batch", type=int, default=128)
    arguments = parser.parse_args()
    base = 0
    print("evaluation,saved_bytes,of_canonical")
    for name in EVALUATIONS:
        network = build(arguments.architecture, device="meta").train()
        for module in network.modules():
            if hasattr(module, "set_evaluation"):
                order, _, training = name.partition(" for ")
                module.set_evaluation(order, arguments.batch, "cpu", bool(training))
        saved = saved_bytes(network, arguments.batch, network.architecture.image_size)
        base = base or saved
        print(f"{name},{saved},{saved / base:.3f}", flush=True)


if __name__ == "__main__":
    main()
