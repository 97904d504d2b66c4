"""The third counter: torch's own flop counter, on the meta device, independent of the closed form."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from lambda_arch.arch import Architecture
from lambda_arch.costs.counted import Counted, image_for, module_rows, shapes_of
from lambda_arch.nn import build


def count_by_torch(architecture: Architecture) -> Counted:
    """Count with torch's FlopCounterMode on the meta device; the fvcore column is 0."""
    network = build(architecture, device="meta").eval()
    flops = FlopCounterMode(display=False)
    operations = _Operations(flops.flop_registry)
    with shapes_of(network) as shapes, torch.no_grad(), operations, flops:
        network(image_for(architecture, "meta"))
    by_module = flops.get_flop_counts()
    root = type(network).__name__
    rows = [
        row._replace(macs=sum(by_module.get(f"{root}.{row.path}", {}).values()) // 2)
        for row in module_rows(network, shapes)
    ]
    return Counted.of("torch", architecture, rows, operations.zero)


class _Operations(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Tallies the operations that compute or copy and are not in ``counted``."""

    def __init__(self, counted: Mapping[Any, Any]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.counted = counted
        self.zero: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        packet = func._overloadpacket
        if packet not in self.counted and not func.is_view and func.namespace == "aten":
            self.zero[str(packet).replace("aten.", "aten::")] += 1
        return func(*args, **(kwargs or {}))
