"""The second and third book: fvcore on the built network, and torch's flop counter on the meta device.

Neither knows the closed form. Both read parameters off the modules, shapes off what the modules return, and
multiply-accumulates off the operations that run. Ways of counting that were measured and mended (fvcore 0.1.5, torch
2.13): fvcore cannot trace on the meta device, so its book runs the network; its matrix-product handle takes the cost
from the first operand alone, which is exact because none here broadcasts its first operand.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from lambda_arch.arch import Architecture
from lambda_arch.costs.closed_form import count
from lambda_arch.costs.ledger import Ledger, Row
from lambda_arch.nn import build
from lambda_arch.nn.attention.augmented import Upsample
from lambda_arch.results import Result

# fvcore's own total counts these too; they are no multiply-accumulates
NOT_MACS = ("batch_norm", "adaptive_avg_pool2d", "upsample_bilinear2d")
# element-wise and shape-only modules have no row
ELEMENTWISE = (nn.ReLU, nn.SiLU, nn.Sigmoid, nn.Flatten)
KINDS: dict[type[nn.Module], str] = {
    nn.BatchNorm2d: "norm",
    nn.Linear: "linear",
    nn.MaxPool2d: "max_pool",
    nn.AvgPool2d: "avg_pool",
    nn.AdaptiveAvgPool2d: "avg_pool",
    Upsample: "upsample",
}


@dataclass(frozen=True)
class Book:
    """A ledger counted by running the network, and the operations that the counter took for free, with how often."""

    name: str
    ledger: Ledger
    zero: dict[str, int]


def torch_book(architecture: Architecture) -> Book:
    """Count with torch's FlopCounterMode on the meta device; it has no fvcore column (0 there)."""
    network = build(architecture, device="meta").eval()
    flops = FlopCounterMode(display=False)
    operations = _Operations(flops.flop_registry)
    with _shapes(network) as shapes, torch.no_grad(), operations, flops:
        network(_image(architecture, "meta"))
    by_module = flops.get_flop_counts()
    root = type(network).__name__
    rows = [
        row._replace(macs=sum(by_module.get(f"{root}.{row.path}", {}).values()) // 2) for row in _rows(network, shapes)
    ]
    return Book("torch", _ledger(architecture, rows), operations.zero)


def fvcore_book(architecture: Architecture) -> Book:
    """Count with fvcore's FlopCountAnalysis on the network itself, on the CPU, with zeros for weights."""
    from fvcore.nn import FlopCountAnalysis

    meta = build(architecture, device="meta")  # it knows which parameters are shared; to_empty makes each its own
    network = build(architecture, device="meta").to_empty(device="cpu").eval()
    for tensor in (*network.parameters(), *network.buffers()):
        tensor.detach().zero_()
    with _shapes(network) as shapes, torch.no_grad():
        analysis = FlopCountAnalysis(network, (_image(architecture, "cpu"),))
        analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
        by_module = analysis.by_module_and_operator()
        zero = analysis.unsupported_ops()
    rows = []
    for row in _rows(meta, shapes):
        operators = by_module[row.path]
        macs = sum(cost for name, cost in operators.items() if name not in NOT_MACS)
        rows.append(row._replace(macs=int(macs), fvcore_flops=int(sum(operators.values()))))
    return Book("fvcore", _ledger(architecture, rows), dict(zero))


@dataclass(frozen=True)
class Verification(Result):
    """What three books say of one architecture: the closed form, the other two, and every row they disagree on."""

    ledger: Ledger
    books: tuple[Book, ...]
    disagreements: tuple[str, ...]


def verify(architecture: Architecture) -> Verification:
    """Count ``architecture`` by all three books and compare them to the unit, row by row."""
    ledger = count(architecture)
    books = (fvcore_book(architecture), torch_book(architecture))
    disagreements = [line for book in books for line in _disagreements(ledger, book)]
    return Verification(ledger, books, tuple(disagreements))


def _disagreements(ledger: Ledger, book: Book) -> Iterator[str]:
    fields = ("shape", "params", "macs") + (("fvcore_flops",) if book.name == "fvcore" else ())
    ours = {row.path: row for row in ledger.rows}
    theirs = {row.path: row for row in book.ledger.rows}
    for path in ours.keys() | theirs.keys():
        if path not in ours or path not in theirs:
            yield f"{path}: only in {book.name if path in theirs else 'the closed form'}"
            continue
        for field in fields:
            ours_value, theirs_value = getattr(ours[path], field), getattr(theirs[path], field)
            if ours_value != theirs_value:
                yield f"{path}: {field} {ours_value} in closed form, {theirs_value} by {book.name}"


class _Operations(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Tallies the operations that do arithmetic or copy, and that are not in ``counted``."""

    def __init__(self, counted: Mapping[Any, Any]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.counted = counted
        self.zero: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        packet = func._overloadpacket
        if packet not in self.counted and not func.is_view and func.namespace == "aten":
            self.zero[str(packet).replace("aten.", "aten::")] += 1
        return func(*args, **(kwargs or {}))


@contextmanager
def _shapes(network: nn.Module) -> Iterator[dict[str, tuple[int, ...]]]:
    """Collect the shape of what each module returns, by path, while the network runs."""
    shapes: dict[str, tuple[int, ...]] = {}

    def hook(path: str) -> Any:
        def record(module: nn.Module, inputs: Any, output: Any) -> None:
            shapes[path] = tuple(int(side) for side in output.shape)

        return record

    handles = [module.register_forward_hook(hook(path)) for path, module in network.named_modules() if path]
    try:
        yield shapes
    finally:
        for handle in handles:
            handle.remove()


def _rows(network: nn.Module, shapes: Mapping[str, tuple[int, ...]]) -> Iterator[Row]:
    """Yield a row without costs of operation for every leaf module; what modules share is the first one's."""
    counted: set[int] = set()
    for path, module in network.named_modules():
        if next(module.children(), None) is not None or isinstance(module, ELEMENTWISE):
            continue
        kind = "conv" if isinstance(module, nn.Conv2d) else KINDS.get(type(module), "matmul")
        params = sum(parameter.numel() for parameter in module.parameters() if id(parameter) not in counted)
        counted |= {id(parameter) for parameter in module.parameters()}
        yield Row(path, kind, shapes[path], params)


def _image(architecture: Architecture, device: str) -> torch.Tensor:
    return torch.zeros(1, 3, architecture.image_size, architecture.image_size, device=device)


def _ledger(architecture: Architecture, rows: Iterable[Row]) -> Ledger:
    return Ledger(str(architecture), architecture.image_size, tuple(rows))
