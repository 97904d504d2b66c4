"""Predicted memory of a training step against torch's MemTracker, which runs it on fake tensors: no memory is taken.

    python -m benchmarks.step_memory [ARCHITECTURE ...] [--batch-size N]

One row per network and way of training: the peak without weights and optimizer, of the tracker and predicted, the
error, and the bytes saved for backward. A tracker keeps autograd from adding up gradients in place, so the prediction
is made without that too.
"""

import argparse

import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.distributed._tools.mem_tracker import MemTracker
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from lambda_arch import build, parse
from lambda_arch.arch.evaluation import parse_evaluation
from lambda_arch.costs.tape.step import run_step
from lambda_arch.costs.tape.tape import Tape

NAMES = (
    "resnet50",
    "lambda_resnet50",
    "lambda_resnet50:m=global",
    "lambda_resnet152_hybrid",
    "resnet50:stages=GGGG",
    "resnet50:stages=XXXX",
    "resnet50:stages=SSSS",
    "resnet50:stages=AAAA",
    "resnet50:stages=DDDD",
    "lambda_mobilenet",
    "efficientnet_b0",
)
WAYS = (("fp32", "canonical", False), ("bf16", "canonical", False), ("fp32", "canonical", True))
OTHERS = (("fp32", "folded", False), ("fp32", "matrix", False), ("fp32", "fft", False), ("bf16", "folded", False))


def tracked(name: str, batch: int, dtype: str, evaluation: str, recompute: bool) -> int:
    """Return the peak that the tracker sees, without weights."""
    with FakeTensorMode():
        network = build(name, evaluation=evaluation).train()
        for part in network.architecture.parts():
            if recompute and part.path not in ("stem", "head"):
                block = network.get_submodule(part.path)
                block.forward = _checkpointed(block.forward)  # type: ignore[method-assign]
        size = network.architecture.image_size
        images, labels = torch.zeros(batch, 3, size, size), torch.zeros(batch, dtype=torch.long)
        tracker = MemTracker()
        tracker.track_external(network, images, labels)
        with tracker:
            with torch.autocast("cpu", torch.bfloat16, enabled=dtype == "bf16"):
                loss = F.cross_entropy(network(images).float(), labels)
            loss.backward()  # type: ignore[no-untyped-call]
        weights = sum(each.nbytes for each in (*network.parameters(), *network.buffers()))
        return int(tracker.get_tracker_snapshot("peak")[torch.device("cpu")]["Total"]) - weights


def _checkpointed(forward):  # type: ignore[no-untyped-def]
    return lambda x: checkpoint(forward, x, use_reentrant=False)


def main() -> None:
    """Print a table of errors as CSV."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=NAMES, metavar="ARCHITECTURE")
    parser.add_argument("--batch-size", type=int, default=32, metavar="N")
    arguments = parser.parse_args()
    print("architecture,dtype,evaluation,recompute,tracked,predicted,error,saved")
    for name in arguments.names:
        for dtype, evaluation, recompute in (*WAYS, *(OTHERS if name == "lambda_resnet50" else ())):
            chosen = parse_evaluation(evaluation)
            tape = Tape(
                training=True, low=2 if dtype == "bf16" else 4, evaluation=lambda part, it=chosen: it, in_place=False
            )
            step = run_step(parse(name), tape, arguments.batch_size, recompute)
            ours = sum(step.peak.values())
            theirs = tracked(name, arguments.batch_size, dtype, evaluation, recompute)
            saved = sum(step.saved.values())
            how = "yes" if recompute else "no"
            print(f"{name},{dtype},{evaluation},{how},{theirs},{ours},{ours / theirs - 1:+.4%},{saved}", flush=True)


if __name__ == "__main__":
    main()
