"""Lambda layers and LambdaResNets, ours beside other people's, timed in turns in one process with the same weights.

    python -m benchmarks.layers networks --batch 1 8 --rounds 9
    python -m benchmarks.layers networks --train --dtype bf16 --d-li14 FOLDER --leaderj1001 FOLDER
    python -m benchmarks.layers layers --batch 8
    python -m benchmarks.layers parts --batch 8

Outputs are checked to be equal before anything is timed. Each round runs every contender once, in an order that
rotates; what is compared is the median of the ratios within rounds, so that other load on the machine hits all alike.
CSV goes to stdout. The share of the ceiling is canonical multiply-accumulates a second over those of a large matrix
product of the same type, measured in the same rounds: evaluations that execute less than is counted may pass 100%.
"""

import argparse
import copy
import csv
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter

import torch
from torch import nn

from benchmarks.peers import from_d_li14, from_leaderj1001, from_pypi, with_layers
from lambda_arch.costs import count
from lambda_arch.nn import LambdaLayer, build, prepare, set_evaluation
from lambda_arch.nn.evaluation import CANONICAL, candidates, macs
from lambda_arch.timing import autotune

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
SIDE = 2048  # of the matrix product that stands for the ceiling
PEER = "lambda-networks"
Call = Callable[[], object]


def in_turns(calls: dict[str, Call], arguments: argparse.Namespace) -> dict[str, list[float]]:
    """Return seconds of every call after one round to warm up; fewer rounds than asked where time runs out."""
    begin, rounds, device = perf_counter(), arguments.rounds, arguments.device
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    names = list(calls)
    for turn in range(rounds + 1):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            start = now(device)
            calls[name]()
            if turn:
                seconds[name].append(now(device) - start)
        print(f"round {turn} of {rounds}", file=sys.stderr, flush=True)
        if turn and perf_counter() - begin > arguments.seconds:
            break
    return seconds


def now(device: str) -> float:
    if device == "cuda":
        torch.cuda.synchronize()
    return perf_counter()


def lively(network: nn.Module) -> nn.Module:
    """Give norms statistics and scales of their own: a fresh network's blocks are their shortcuts."""
    torch.manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, 0, 0.1)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
            nn.init.uniform_(module.weight, 0.2, 0.5)
            nn.init.normal_(module.bias, 0, 0.1)
    return network


def step(network: nn.Module, x: torch.Tensor, dtype: torch.dtype, train: bool) -> object:
    with torch.set_grad_enabled(train), torch.autocast(x.device.type, dtype, enabled=dtype != torch.float32):
        y = network(x)
    if train:
        y.float().square().mean().backward()
        network.zero_grad()
    return y


class Cast(nn.Module):
    """A network cast to a type, instead of autocast."""

    def __init__(self, network: nn.Module, dtype: torch.dtype) -> None:
        super().__init__()
        self.network, self.dtype = network.to(dtype), dtype

    def forward(self, x: torch.Tensor) -> object:
        """Return what the network does of x."""
        with torch.autocast(x.device.type, enabled=False):
            return self.network(x.to(self.dtype))


def contenders(network: nn.Module, arguments: argparse.Namespace, batch: int) -> dict[str, nn.Module]:
    auto = copy.deepcopy(network)
    set_evaluation(auto, "auto", batch, training=arguments.train, dtype=DTYPES[arguments.dtype])
    found = {"canonical": network, "auto": auto}
    if arguments.autotune:
        tuned = copy.deepcopy(network)
        with torch.autocast(arguments.device, DTYPES[arguments.dtype], enabled=arguments.dtype != "fp32"):
            autotune(tuned.train(arguments.train), batch, training=arguments.train)
        found["measured"] = tuned
    if not arguments.train:
        found["prepared"] = prepare(network.eval(), batch, DTYPES[arguments.dtype])
        if arguments.dtype != "fp32":
            found["prepared, cast"] = Cast(prepare(network, batch, DTYPES[arguments.dtype]), DTYPES[arguments.dtype])
    found[PEER] = with_layers(network, from_pypi)
    if arguments.d_li14:
        found["d-li14"] = with_layers(network, from_d_li14(arguments.d_li14))
    if arguments.leaderj1001:
        found["leaderj1001"] = with_layers(network, from_leaderj1001(arguments.leaderj1001))
    return {name: each.to(arguments.device).train(arguments.train) for name, each in found.items()}


def check_equal(named: dict[str, nn.Module], x: torch.Tensor) -> None:
    """Stop where an output differs from the canonical one's by more than rounding, relative to its largest."""
    with torch.no_grad():
        outputs = {name: network.eval()(x[:2]) for name, network in named.items()}
    expected = outputs["canonical"]
    for name, output in outputs.items():
        error = ((output - expected).abs().max() / expected.abs().max()).item()
        if not error < (1e-4 if output.dtype == torch.float32 else 2e-2):
            raise SystemExit(f"{name}: outputs differ by {error:.1e} of the largest; nothing was timed")


def report(case: dict[str, object], seconds: dict[str, list[float]], work: float) -> Iterator[dict[str, object]]:
    ceiling = seconds.pop("ceiling", None)
    for name, samples in seconds.items():
        quarters = quantiles(samples, n=4) if len(samples) > 1 else [samples[0]] * 3
        ratios = [theirs / ours for theirs, ours in zip(seconds[PEER], samples, strict=True)]
        row = {
            **case,
            "name": name,
            "rounds": len(samples),
            "median_ms": round(median(samples) * 1e3, 2),
            "min_ms": round(min(samples) * 1e3, 2),
        }
        row["iqr_ms"] = round((quarters[2] - quarters[0]) * 1e3, 2)
        row[f"times_faster_than_{PEER}"] = round(median(ratios), 2)
        if ceiling and work and name != "resnet50":
            row["share_of_ceiling"] = round(work / min(samples) / (SIDE**3 / min(ceiling)), 2)
        yield row


def networks(arguments: argparse.Namespace) -> Iterator[dict[str, object]]:
    base = lively(build(arguments.architecture))
    size, dtype = base.architecture.image_size, DTYPES[arguments.dtype]
    plain = lively(build(f"resnet50@{size}")).to(arguments.device).train(arguments.train)
    square = torch.randn(SIDE, SIDE, device=arguments.device, dtype=dtype)
    for batch in arguments.batch:
        named = contenders(base, arguments, batch)
        x = torch.randn(batch, 3, size, size, device=arguments.device)
        check_equal(named, x)
        for network in named.values():
            network.train(arguments.train)
        calls: dict[str, Call] = {n: partial(step, each, x, dtype, arguments.train) for n, each in named.items()}
        calls["resnet50"] = partial(step, plain, x, dtype, arguments.train)
        calls["ceiling"] = partial(torch.mm, square, square)
        seconds = in_turns(calls, arguments)
        passes = 3 if arguments.train else 1  # a backward pass has two products for one of the forward pass
        case = {"batch": batch, "dtype": arguments.dtype, "step": "training" if arguments.train else "inference"}
        yield from report(case, seconds, passes * batch * count(base.architecture).macs)


def layers(arguments: argparse.Namespace) -> Iterator[dict[str, object]]:
    dtype = DTYPES[arguments.dtype]
    for batch in arguments.batch:
        for dim, side in ((64, 56), (128, 56), (128, 28), (256, 28), (256, 14), (512, 14), (512, 7)):
            base = LambdaLayer(dim, size=side)
            at = base.layer_shape(batch)
            named = {}
            for evaluation in candidates():
                if macs(evaluation, at) <= 4 * macs(CANONICAL, at):
                    named[str(evaluation)] = LambdaLayer(dim, size=side, evaluation=evaluation)
                    named[str(evaluation)].load_state_dict(base.state_dict())
            named[PEER] = from_pypi(base)
            x = torch.randn(batch, dim, side, side, device=arguments.device)
            named = {name: each.to(arguments.device) for name, each in named.items()}
            check_equal(named, x)
            calls = {
                name: partial(step, each.train(arguments.train), x, dtype, arguments.train)
                for name, each in named.items()
            }
            kind = "training" if arguments.train else "inference"
            case = {"map": f"{side}x{side}", "channels": dim, "batch": batch, "dtype": arguments.dtype, "step": kind}
            yield from report(case, in_turns(calls, arguments), 0)


def parts(arguments: argparse.Namespace) -> Iterator[dict[str, object]]:
    """Time the pieces of blocks of the prepared LambdaResNet-50 beside those of a prepared ResNet-50."""
    for batch in arguments.batch:
        lambdas = prepare(lively(build(arguments.architecture)).eval(), batch)
        size = build(arguments.architecture, device="meta").architecture.image_size
        plain = prepare(lively(build(f"resnet50@{size}")).eval(), batch)
        totals = {"lambda": _watched(lambdas), "plain": _watched(plain)}
        x = torch.randn(batch, 3, size, size)
        calls = {"lambda": partial(step, lambdas, x, torch.float32, False)}
        calls["plain"] = partial(step, plain, x, torch.float32, False)
        in_turns(calls, arguments)
        for part, samples in totals["lambda"].items():
            ours, theirs = median(samples[1:]), median(totals["plain"].get(part, [0.0])[1:] or [0.0])
            yield {
                "batch": batch,
                "part": part,
                "lambda_resnet50_ms": round(ours * 1e3, 2),
                "resnet50_ms": round(theirs * 1e3, 2),
            }


def _watched(network: nn.Module) -> dict[str, list[float]]:
    """Return the seconds, a list a part, that the parts of ``network`` take in each of its runs to come."""
    samples: dict[str, list[float]] = {}
    starts: dict[str, float] = {}
    running: dict[str, float] = {}

    def watch(module: nn.Module, path: str, part: str) -> None:
        module.register_forward_pre_hook(lambda *_: starts.__setitem__(path, perf_counter()))
        module.register_forward_hook(
            lambda *_: running.__setitem__(part, running.get(part, 0.0) + perf_counter() - starts[path])
        )

    def close(*_: object) -> None:
        for part, seconds in running.items():
            samples.setdefault(part, []).append(seconds)
        running.clear()

    for path, module in network.named_modules():
        pieces = path.removeprefix("network.").split(".")
        if pieces in (["stem"], ["head"]):
            watch(module, path, pieces[0])
        elif (
            len(pieces) == 3
            and pieces[0] in ("c2", "c3", "c4", "c5")
            and pieces[2] in ("reduce", "spatial", "expand", "shortcut")
        ):
            watch(module, path, f"{pieces[0]} {pieces[2]}")
    network.register_forward_pre_hook(lambda *_: starts.__setitem__("", perf_counter()))
    network.register_forward_hook(lambda *_: running.__setitem__("whole", perf_counter() - starts[""]))
    network.register_forward_hook(close)
    return samples


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["networks", "layers", "parts"])
    parser.add_argument("--architecture", default="lambda_resnet50")
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=600, help="begin no further round of a case after that long")
    parser.add_argument("--dtype", choices=DTYPES, default="fp32", help="bf16 runs under autocast")
    parser.add_argument("--train", action="store_true", help="a forward and a backward pass, in training mode")
    parser.add_argument("--autotune", action="store_true", help="measure evaluations first, on top of the cost model's")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--d-li14", type=Path, metavar="FOLDER", help="a checkout of d-li14/lambda.pytorch")
    parser.add_argument("--leaderj1001", type=Path, metavar="FOLDER", help="a checkout of leaderj1001/LambdaNetworks")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    writer = None
    for row in {"networks": networks, "layers": layers, "parts": parts}[arguments.what](arguments):
        if writer is None:
            writer = csv.DictWriter(sys.stdout, list(row), extrasaction="ignore")
            writer.writeheader()
        writer.writerow(row)
        sys.stdout.flush()


if __name__ == "__main__":
    main()
