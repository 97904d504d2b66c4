"""The networks timed side by side: ours, those with other people's layers, a plain ResNet, timm's. Imports torch."""

import copy
import importlib.util
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial

import torch
from torch import nn

from benchmarks.gpu.choices import set_measured
from benchmarks.gpu.item import Row
from benchmarks.gpu.settings import Settings
from benchmarks.layers import lively
from lambda_arch.arch import parse
from lambda_arch.nn import build, prepare, set_evaluation
from lambda_arch.nn.preparation import Preparation

TIMM = ("lambda_resnet26t", "lambda_resnet50ts", "lambda_resnet26rpt_256")
PLAIN = "resnet50"
"""How the names of plain ResNets begin."""


@dataclass(frozen=True)
class Contender:
    """A network and its images. ``architecture``: its name, where we can count it; ``mode``: how it is called.

    ``ours``: whether it has the logits of the canonical network.
    """

    name: str
    network: nn.Module
    images: torch.Tensor
    architecture: str = ""
    ours: bool = False
    mode: str = "eager"

    @property
    def key(self) -> str:
        """Its name and mode."""
        return f"{self.name} {self.mode}"


def in_modes(contenders: Sequence[Contender], *modes: str) -> list[Contender]:
    """Return every contender in each of ``modes``, one mode after the other."""
    return [replace(each, mode=mode) for mode in modes for each in contenders]


def network_of(name: str) -> nn.Module:
    """Return a network for inference on the host, always with the same weights."""
    return copy.deepcopy(_built(name))


@cache
def _built(name: str) -> nn.Module:
    torch.manual_seed(0)
    return lively(build(name)).eval()


def images_for(name: str, batch: int, settings: Settings, dtype: torch.dtype) -> torch.Tensor:
    """Return random images of the size of a network of ours."""
    side = parse(name).image_size
    return torch.randn(batch, 3, side, side, device=settings.device, dtype=dtype)


def for_inference(
    settings: Settings, batch: int, dtype: torch.dtype, only: Collection[str] | None = None
) -> list[Contender]:
    """Return ours and the plain network for inference, cast to ``dtype``, or ``only`` those of these names."""
    sizes = settings.sizes
    x = images_for(sizes.network, batch, settings, dtype)
    last = torch.channels_last

    def on_device(name: str, evaluation: str = "canonical") -> nn.Module | None:
        network = network_of(name).to(settings.device)
        if evaluation == "measured":
            return network if set_measured(network, settings, batch, dtype, "inference") else None
        set_evaluation(network, evaluation, batch, dtype=dtype)
        return network

    def prepared(name: str, evaluation: str, preparation: Preparation) -> nn.Module | None:
        network = on_device(name, evaluation)
        return network and prepare(network, batch, dtype, preparation)

    wanted: dict[str, tuple[str, Callable[[], nn.Module | None]]] = {
        evaluation: (sizes.network, partial(on_device, sizes.network, evaluation))
        for evaluation in ("canonical", "auto", "measured")
    }
    wanted |= {name: (sizes.plain, partial(on_device, sizes.plain)) for name in (PLAIN, f"{PLAIN} channels_last")}
    for label, name, evaluation in (("prepared", sizes.network, "canonical"),
                                    ("prepared measured", sizes.network, "measured"),
                                    ("CCLL prepared", sizes.hybrid, "canonical"),
                                    (f"{PLAIN} prepared", sizes.plain, "canonical")):  # fmt: skip
        for channels_last in (False, True):
            preparation = Preparation(channels_last, cuda_graph=False)
            wanted[f"{label} {preparation}"] = name, partial(prepared, name, evaluation, preparation)
    found = []
    for label, (name, make) in wanted.items():
        network = make() if only is None or label in only else None
        if network is not None:
            images = x
            network.to(device=settings.device, dtype=dtype).eval()
            if label == f"{PLAIN} channels_last":
                network, images = network.to(memory_format=last), x.to(memory_format=last)  # type: ignore[call-overload]
            found.append(Contender(label, network, images, name, name == sizes.network))
    return found


def peers_for_inference(
    settings: Settings, batch: int, dtype: torch.dtype, problems: list[Row], timm: bool = True
) -> list[Contender]:
    """Return the canonical network with other people's layers, and timm's networks, cast to ``dtype``."""
    base = network_of(settings.sizes.network)
    x = images_for(settings.sizes.network, batch, settings, dtype)
    found = [Contender(name, network, x, settings.sizes.network, True)
             for name, network in with_peers(base, settings, problems).items()]  # fmt: skip
    for name, network in timm_networks(settings, problems).items() if timm else ():
        side = network.default_cfg["input_size"][-1]  # type: ignore[index,union-attr]
        images = torch.randn(batch, 3, side, side, device=x.device, dtype=dtype)
        found.append(Contender(name, network, images))
    for each in found:
        each.network.to(device=settings.device, dtype=dtype).eval()
    return found


def for_training(
    settings: Settings, batch: int, dtype: torch.dtype, only: Collection[str] | None = None
) -> list[Contender]:
    """Return ours and the plain network for training, with weights in float32, or ``only`` those of these names."""
    sizes = settings.sizes
    x = images_for(sizes.network, batch, settings, torch.float32)
    images = {False: x, True: x.to(memory_format=torch.channels_last)}
    wanted = {
        "canonical": (sizes.network, "canonical", False),
        "auto": (sizes.network, "auto", False),
        "auto channels_last": (sizes.network, "auto", True),
        "measured": (sizes.network, "measured", False),
        "measured channels_last": (sizes.network, "measured", True),
        "CCLL auto channels_last": (sizes.hybrid, "auto", True),
        PLAIN: (sizes.plain, "canonical", False),
        f"{PLAIN} channels_last": (sizes.plain, "canonical", True),
    }
    found = []
    for label, (name, evaluation, last) in wanted.items():
        if only is not None and label not in only:
            continue
        network = network_of(name).to(settings.device).train()
        if evaluation != "measured":
            set_evaluation(network, evaluation, batch, training=True, dtype=dtype)
        elif not set_measured(network, settings, batch, dtype, "training"):
            continue
        if last:
            network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        found.append(Contender(label, network, images[last], name))
    return found


def peers_for_training(settings: Settings, batch: int, problems: list[Row]) -> list[Contender]:
    """Return the canonical network with other people's layers, for training."""
    base = network_of(settings.sizes.network)
    x = images_for(settings.sizes.network, batch, settings, torch.float32)
    return [Contender(name, network.to(settings.device).train(), x, settings.sizes.network)
            for name, network in with_peers(base, settings, problems).items()]  # fmt: skip


def with_peers(network: nn.Module, settings: Settings, problems: list[Row]) -> dict[str, nn.Module]:
    """Return copies of ``network`` with the lambda layers of each public implementation that is here."""
    from benchmarks.peers import from_d_li14, from_leaderj1001, from_pypi, with_layers

    makers: dict[str, Callable[[], nn.Module]] = {"lambda-networks": lambda: with_layers(network, from_pypi)}
    for name, path, adapter in (("d-li14", settings.d_li14, from_d_li14),
                                ("leaderj1001", settings.leaderj1001, from_leaderj1001)):  # fmt: skip
        if path is None:
            problems.append({"name": name, "status": "skipped", "reason": f"no --{name} PATH"})
        else:
            makers[name] = lambda path=path, adapter=adapter: with_layers(network, adapter(path))  # type: ignore[misc]
    found = {}
    for name, make in makers.items():
        try:
            found[name] = make()
        except (Exception, SystemExit) as error:  # other people's code
            problems.append({"name": name, "status": "skipped", "reason": f"{type(error).__name__}: {error}"[:200]})
    return found


def timm_networks(settings: Settings, problems: list[Row]) -> dict[str, nn.Module]:
    """Return timm's lambda networks, untrained, by name."""
    if settings.dry or importlib.util.find_spec("timm") is None:
        problems.append({"name": "timm", "status": "skipped", "reason": "timm not installed, or a dry run"})
        return {}
    import timm

    found = {}
    for name in TIMM:
        try:
            found[f"timm {name}"] = timm.create_model(name).eval()
        except Exception as error:  # other people's code
            reason = f"{type(error).__name__}: {error}"[:200]
            problems.append({"name": f"timm {name}", "status": "skipped", "reason": reason})
    return found
