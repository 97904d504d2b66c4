"""The networks timed side by side: ours, those with other people's layers, a plain ResNet, timm's. Imports torch."""

import copy
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from benchmarks.gpu.item import Row
from benchmarks.gpu.settings import Settings
from benchmarks.layers import lively
from lambda_arch.nn import build, prepare, set_evaluation
from lambda_arch.nn.on_gpu import capture_graph
from lambda_arch.nn.preparation import Preparation

TIMM = ("lambda_resnet26t", "lambda_resnet50ts", "lambda_resnet26rpt_256")


@dataclass
class Contender:
    """A network and its images. ``architecture``: its name, where we can count it; ``mode``: eager, graph or compiled.

    ``ours``: whether it has the logits of the canonical network.
    """

    name: str
    mode: str
    network: nn.Module
    images: torch.Tensor
    architecture: str = ""
    ours: bool = False

    @property
    def key(self) -> str:
        """Its name and mode."""
        return f"{self.name} {self.mode}"


def networks(settings: Settings) -> dict[str, nn.Module]:
    """Return the canonical network, the hybrid and the plain one, on the host, always with the same weights."""
    sizes = settings.sizes
    torch.manual_seed(0)
    return {name: lively(build(name)).eval() for name in (sizes.network, sizes.hybrid, sizes.plain)}


def with_peers(network: nn.Module, settings: Settings, problems: list[Row]) -> dict[str, nn.Module]:
    """Return copies of ``network`` with the lambda layers of each public implementation that is here."""
    from benchmarks.peers import from_d_li14, from_leaderj1001, from_pypi, with_layers

    makers: dict[str, Callable[[], nn.Module]] = {"lambda-networks": lambda: with_layers(network, from_pypi)}
    if settings.d_li14:
        makers["d-li14"] = lambda: with_layers(network, from_d_li14(settings.d_li14))
    if settings.leaderj1001:
        makers["leaderj1001"] = lambda: with_layers(network, from_leaderj1001(settings.leaderj1001))
    found = {}
    for name, make in makers.items():
        try:
            found[name] = make()
        except (Exception, SystemExit) as error:  # other people's code
            problems.append({"name": name, "status": "skipped", "reason": f"{type(error).__name__}: {error}"[:200]})
    if not settings.d_li14:
        problems.append({"name": "d-li14", "status": "skipped", "reason": "no --d-li14 FOLDER"})
    if not settings.leaderj1001:
        problems.append({"name": "leaderj1001", "status": "skipped", "reason": "no --leaderj1001 FOLDER"})
    return found


def timm_networks(settings: Settings, problems: list[Row]) -> dict[str, nn.Module]:
    """Return timm's lambda networks, untrained, by name."""
    if settings.dry or importlib.util.find_spec("timm") is None:
        problems.append({"name": "timm", "status": "skipped", "reason": "timm not installed, or a dry run"})
        return {}
    import timm

    return {f"timm {name}": timm.create_model(name).eval() for name in TIMM}


def for_inference(settings: Settings, batch: int, dtype: torch.dtype, problems: list[Row]) -> list[Contender]:
    """Return everything to time at inference, cast to ``dtype``, eager and as CUDA graphs."""
    sizes, device = settings.sizes, settings.device
    base = networks(settings)
    canonical, hybrid, plain = (base[name].to(device) for name in (sizes.network, sizes.hybrid, sizes.plain))
    side = canonical.architecture.image_size  # type: ignore[union-attr]
    x = torch.randn(batch, 3, side, side, device=device, dtype=dtype)
    last = torch.channels_last
    plain_last = copy.deepcopy(plain).to(memory_format=last)
    auto = copy.deepcopy(canonical)
    set_evaluation(auto, "auto", batch, dtype=dtype)
    found = [
        Contender("canonical", "eager", canonical, x, sizes.network, True),
        Contender("auto", "eager", auto, x, sizes.network, True),
        Contender("resnet50", "eager", plain, x, sizes.plain),
        Contender("resnet50 channels_last", "eager", plain_last, x.to(memory_format=last), sizes.plain),
    ]
    for own, name, architecture in ((canonical, "prepared", sizes.network), (hybrid, "CCLL prepared", sizes.hybrid),
                                    (plain, "resnet50 prepared", sizes.plain)):  # fmt: skip
        for channels_last in (False, True):
            label = f"{name} {Preparation(channels_last, False)}"
            prepared = prepare(own, batch, dtype, Preparation(channels_last, cuda_graph=False))
            found.append(Contender(label, "eager", prepared, x, architecture, own is canonical))
    found += [Contender(name, "eager", each, x, sizes.network, True)
              for name, each in with_peers(canonical, settings, problems).items()]  # fmt: skip
    found += [
        Contender(name, "eager", each, x_like(x, each)) for name, each in timm_networks(settings, problems).items()
    ]
    for each in found:
        each.network.to(device=device, dtype=dtype).eval()
    if device == "cpu":
        return found
    return found + [Contender(c.name, "graph", c.network, c.images, c.architecture, c.ours) for c in found]


def x_like(x: torch.Tensor, network: nn.Module) -> torch.Tensor:
    """Return images of the size that a network of timm expects."""
    side = network.default_cfg["input_size"][-1]  # type: ignore[index,union-attr]
    return torch.randn(len(x), 3, side, side, device=x.device, dtype=x.dtype)


def call_of(contender: Contender) -> Callable[[], torch.Tensor]:
    """Return the step of a contender at inference; a graph is captured now."""
    network, x = contender.network, contender.images

    def forward(images: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            return network(images)  # type: ignore[no-any-return]

    if contender.mode == "graph":
        replay = capture_graph(forward, x)
        return lambda: replay(x)
    if contender.mode == "compiled":
        compiled = torch.compile(network)

        def run() -> torch.Tensor:
            with torch.no_grad():
                return compiled(x)

        return run
    return lambda: forward(x)
