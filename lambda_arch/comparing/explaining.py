"""A figure of one's own explained: "I built a LambdaResNet-50, why does it have 20 GFLOPs?".

The simplest hypotheses come first: one change to the network, the scope left out (which makes it global), both, each
with the usual ways of counting.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from lambda_arch.arch import Architecture, ArchitectureError, ResNet, configure, parse, read_settings
from lambda_arch.comparing.figure import Figure, read_figure
from lambda_arch.comparing.hypotheses import single_changes, with_statistics
from lambda_arch.costs import Ledger, count
from lambda_arch.errors import LambdaArchError
from lambda_arch.results import Result

GLOBAL = "scope left out, so global"
"""What lucidrains' LambdaLayer is without its argument ``r``."""
WAYS = {"macs": "MACs", "flops": "FLOPs, 2 x MACs", "fvcore_flops": "fvcore's total"}


@dataclass(frozen=True)
class Explanation:
    """A network that has the given figures. ``changes``: what differs from the one that was meant, in words.

    ``counted``: how the figure of multiply-accumulates was counted, and ``value`` what that gives. ``local``: the same
    count with the scope of the network that was meant, where the scope is global instead.
    """

    architecture: Architecture
    changes: tuple[str, ...]
    counted: str
    value: int
    params: int
    local: int | None = None


@dataclass(frozen=True)
class Explanations(Result):
    """The simplest explanations of given figures, how many there are, and how many hypotheses were tried."""

    architecture: Architecture
    figures: tuple[tuple[str, str], ...]
    best: tuple[Explanation, ...]
    found: int
    tried: int


def explain(
    params: str | float | None = None,
    macs: str | float | None = None,
    architecture: str = "lambda_resnet50",
    top: int = 10,
) -> Explanations:
    """Return the ``top`` simplest hypotheses why a network that was meant to be ``architecture`` has these figures.

    ``params`` and ``macs`` are figures as printed, such as ``22.2M`` and ``19.8G``. Raises :class:`LambdaArchError` if
    neither is given and for an invalid one, :class:`ArchitectureError` for what is no ResNet.
    """
    if params is None and macs is None:
        raise LambdaArchError("audit: expected params, macs, or both, such as macs=20G")
    base = parse(architecture)
    if not isinstance(base, ResNet):
        raise ArchitectureError(f"architecture={architecture}: expected a ResNet or LambdaResNet")
    asked = {name: str(text) for name, text in (("params", params), ("macs", macs)) if text is not None}
    figures = {name: read_figure(name, text) for name, text in asked.items()}
    tried = 0
    found: list[tuple[int, Decimal, Explanation]] = []
    for network, changes in _candidates(base):
        ledger = count(network)
        for way in WAYS if "macs" in figures else ("macs",):
            for statistics in (False, True) if "params" in figures else (False,):
                tried += 1
                values = {
                    "params": with_statistics(network) if statistics else ledger.params,
                    "macs": int(getattr(ledger, way)),
                }
                if not all(values[name] in figure for name, figure in figures.items()):
                    continue
                words = changes + (("batch-norm statistics counted",) if statistics else ())
                off = max(_off(values[name], figure) for name, figure in figures.items())
                each = Explanation(
                    network, words, WAYS[way], values["macs"], values["params"], _local(base, network, ledger, way)
                )
                found.append((len(words) + (way != "macs"), off, each))
    found.sort(key=lambda each: each[:2])
    return Explanations(base, tuple(asked.items()), tuple(each for *_, each in found[:top]), len(found), tried)


def _candidates(base: ResNet) -> Iterator[tuple[Architecture, tuple[str, ...]]]:
    """Yield the network that was meant, its single changes, and those of it with a global scope."""
    seen: set[Architecture] = set()
    starts: list[tuple[Architecture, tuple[str, ...]]] = [(base, ())]
    if "L" in base.letters:
        starts.append((configure(base, read_settings("m=global")), (GLOBAL,)))
    for start, words in starts:
        if start not in seen:
            yield start, words
        seen.add(start)
    for start, words in starts:
        for label, options in single_changes(base):
            try:
                changed = configure(start, read_settings(options))
            except ArchitectureError:
                continue
            if changed not in seen:
                yield changed, (*words, label)
            seen.add(changed)


def _local(base: ResNet, network: Architecture, ledger: Ledger, way: str) -> int | None:
    """Return the count of a network of global scope with the scope that was meant; None if that is not local."""
    if "L" not in network.letters or "L" not in base.letters or not isinstance(network, ResNet):
        return None
    meant = base.most_common_lambda().m
    if network.most_common_lambda().m != "global" or meant == "global":
        return None
    return int(getattr(count(configure(network, read_settings(f"m={meant}"))), way))


def _off(value: int, figure: Figure) -> Decimal:
    return abs(value - (figure.low + figure.high) / 2) / (figure.high - figure.low)
