"""The third counter: torch's own flop counter, on the meta device, independent of the closed form.

torch 2.13 attributes operations of the backward pass to wrong modules where several read one tensor. So in training
each module also runs alone, on inputs like its own, and the sum must be what the whole network takes.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode, conv_backward_flop, sdpa_backward_flop_count, sdpa_flop_count
from torch.utils.module_tracker import ModuleTracker

from lambda_arch.arch import Architecture
from lambda_arch.costs.backward import Mode
from lambda_arch.costs.counted import Counted
from lambda_arch.costs.ledger import Row
from lambda_arch.costs.network_rows import image_for, module_rows, shapes_of
from lambda_arch.nn import build


def count_by_torch(architecture: Architecture, *, mode: Mode = "inference") -> Counted:
    """Count with torch's FlopCounterMode on the meta device; the fvcore column is 0.

    ``mode``: ``train`` counts the backward pass too. Norms are in evaluation mode, which has no effect on MACs.
    """
    network = build(architecture, device="meta").eval()
    flops = _flop_counter()
    operations = _Operations(flops.flop_registry)
    training = mode == "train"
    inputs: dict[str, tuple[Any, ...]] = {}
    for path, module in network.named_modules() if training else ():
        module.register_forward_pre_hook(lambda _, given, path=path: inputs.update({path: given}))
    with shapes_of(network) as shapes, torch.set_grad_enabled(training), _BatchNorms(), operations, flops:
        outputs = network(image_for(architecture, "meta"))
        if training:
            outputs.sum().backward()
    by_module = flops.get_flop_counts()
    root = type(network).__name__
    total = flops.get_total_flops() // 2
    if training:
        rows = _alone(network, list(module_rows(network, shapes)), inputs)
    else:
        rows = [
            row._replace(macs=sum(by_module.get(f"{root}.{row.path}", {}).values()) // 2)
            for row in module_rows(network, shapes)
        ]
    return Counted.of("torch", architecture, rows, operations.zero, macs=total, mode=mode)


def flops_by_module(
    network: nn.Module, inputs: tuple[torch.Tensor, ...], formulas: Mapping[Any, Callable[..., int]] | None = None
) -> tuple[dict[str, int], dict[str, int]]:
    """Run torch's FlopCounterMode on any module; return the FLOPs by module, and how often each uncounted one ran.

    A module's FLOPs are its own, without those of its submodules; a module with several paths has the first.
    ``formulas``: further ones, by operation, as FlopCounterMode takes them.
    """
    flops = _flop_counter(formulas)
    flops.mod_tracker = _Innermost(network)
    operations = _Operations(flops.flop_registry)
    with torch.no_grad(), operations, flops:
        network(*inputs)
    by_module = {path: sum(counts.values()) for path, counts in flops.get_flop_counts().items()}
    return by_module, dict(operations.zero)


def flops_of(call: Callable[[], object], formulas: Mapping[Any, Callable[..., int]] | None = None) -> int:
    """Return the FLOPs of all that ``call`` runs, backward passes too, by torch's FlopCounterMode."""
    with _flop_counter(formulas) as flops:
        call()
    return int(flops.get_total_flops())


class _Innermost(ModuleTracker):
    """Says which module runs, by its path: only the innermost, so that each operation counts once."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self._network = network
        self._running: list[str] = []

    def __enter__(self) -> "_Innermost":
        self._handles = []
        for path, module in self._network.named_modules():
            self._handles.append(module.register_forward_pre_hook(self._enters(path)))
            self._handles.append(module.register_forward_hook(self._leaves, always_call=True))
        self.parents = {""}
        return self

    def __exit__(self, *_: Any) -> None:
        for handle in self._handles:
            handle.remove()

    def _enters(self, path: str) -> Any:
        def enter(module: nn.Module, inputs: Any) -> None:
            self._running.append(path)
            self.parents = {path}

        return enter

    def _leaves(self, module: nn.Module, inputs: Any, output: Any) -> None:
        self._running.pop()
        self.parents = {self._running[-1] if self._running else ""}


def _flop_counter(formulas: Mapping[Any, Callable[..., int]] | None = None) -> FlopCounterMode:
    own: dict[Any, Any] = {torch.ops.aten.convolution_backward: _convolution_backward}
    for name, formula in ATTENTION.items():
        if (operation := getattr(torch.ops.aten, name, None)) is not None:  # not in every torch
            own[operation] = formula
    return FlopCounterMode(display=False, custom_mapping=own | dict(formulas or {}))


def _alone(network: nn.Module, rows: list[Row], inputs: dict[str, tuple[Any, ...]]) -> list[Row]:
    """Return the rows with the MACs of each module's forward and backward pass on inputs like its own."""
    found = []
    with _BatchNorms(), _flop_counter() as flops:
        for row in rows:
            before = flops.get_total_flops()
            outputs = network.get_submodule(row.path)(*map(_like, inputs[row.path]))
            between = flops.get_total_flops()
            if between > before:
                outputs.sum().backward()
            after = flops.get_total_flops()
            found.append(row._replace(macs=(after - before) // 2, backward_macs=(after - between) // 2))
    return found


def _like(value: Any) -> Any:
    """Return a tensor that needs a gradient if ``value`` does, or another value as it is."""
    return value.detach().requires_grad_(value.requires_grad) if isinstance(value, torch.Tensor) else value


def _convolution_backward(*arguments: Any, out_val: Any) -> int:
    """Return the FLOPs of a convolution's backward pass; torch 2.13 multiplies those of the weights by the groups."""
    *settings, groups, (of_input, of_weight, _) = arguments
    formula: Any = conv_backward_flop
    inputs = formula(*settings, groups, [of_input, False, False], out_val=out_val)
    weights = formula(*settings, groups, [False, of_weight, False], out_val=out_val)
    return int(inputs + weights // groups)


_convolution_backward._get_raw = True  # type: ignore[attr-defined]  # it takes tensors, not shapes


def _attention(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, *_: Any, **__: Any) -> int:
    formula: Any = sdpa_flop_count
    return int(formula(query.shape, key.shape, value.shape))


def _attention_backward(grad: torch.Tensor, query: Any, key: Any, value: Any, *_: Any, **__: Any) -> int:
    formula: Any = sdpa_backward_flop_count
    return int(formula(grad.shape, query.shape, key.shape, value.shape))


_attention._get_raw = True  # type: ignore[attr-defined]
_attention_backward._get_raw = True  # type: ignore[attr-defined]
ATTENTION: dict[str, Any] = {
    "_scaled_dot_product_flash_attention_for_cpu": _attention,
    "_scaled_dot_product_flash_attention_for_cpu_backward": _attention_backward,
    "_scaled_dot_product_attention_math_for_mps": _attention,
}
"""Fused attention of other devices than CUDA, with torch's formulas for CUDA's, which it has for no other."""


class _Operations(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Tallies the operations that compute or copy and are not in ``counted``."""

    def __init__(self, counted: Mapping[Any, Any]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.counted = counted
        self.zero: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        packet = func._overloadpacket
        if packet not in self.counted and not func.is_view and func.namespace != "prim":
            self.zero[f"{func.namespace}::{packet.__name__}"] += 1
        return func(*args, **(kwargs or {}))


def _normalized(x: torch.Tensor, *_: Any) -> tuple[torch.Tensor, ...]:
    return torch.empty_like(x), x.new_empty(0), x.new_empty(0)


def _norm_gradients(_: torch.Tensor, x: torch.Tensor, weight: torch.Tensor, *others: Any) -> tuple[Any, ...]:
    wanted = zip((x, weight, weight), others[-1], strict=True)  # the last says of which
    return tuple(torch.empty_like(each) if needed else None for each, needed in wanted)


class _BatchNorms(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Gives the shapes of batch norms on the meta device, where torch takes half of the time of a count for them."""

    SHAPES: ClassVar[Mapping[Any, Callable[..., Any]]] = {
        torch.ops.aten._native_batch_norm_legit_no_training.default: _normalized,
        torch.ops.aten.native_batch_norm_backward.default: _norm_gradients,
    }

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return self.SHAPES.get(func, func)(*args, **(kwargs or {}))
