"""The roofline floor of a network: for each operation the longer of its FLOPs and its bytes at the device's peaks.

An operation is a convolution, a linear layer or a product, with norms, activations and sums fused into it: it reads its
operands and its weights, and writes its result, once. With ``fused`` a lambda layer between its projections and its
output is one operation, whose lambdas are never written.
"""

from collections.abc import Mapping
from functools import cache

TRAINING_PASSES = 3  # a backward pass has two products for each of the forward pass
BYTES = {"fp32": 4, "tf32": 4, "bf16": 2, "fp16": 2}
INNER = ("content", "apply_content", "position", "apply_position")
Operation = tuple[int, int, int]  # for one image: multiply-accumulates, elements read and written; then the weights


def floor_seconds(
    architecture: str, batch: int, dtype: str, rates: Mapping[str, float], *, fused: bool = True, training: bool = False
) -> float | None:
    """Return the floor of a step of ``batch`` images; None without the rates. Training counts three forward passes."""
    if dtype not in rates or "copy" not in rates:
        return None
    found = 0.0
    for macs, elements, weights in operations(architecture, fused):
        moved = (batch * elements + weights) * BYTES[dtype]
        found += max(2 * macs * batch / rates[dtype], moved / rates["copy"])
    return found * (TRAINING_PASSES if training else 1)


@cache
def operations(architecture: str, fused: bool) -> tuple[Operation, ...]:
    """Return the operations of a network, from its modules on the meta device."""
    import torch

    from lambda_arch.costs import count
    from lambda_arch.nn import LambdaLayer, build

    network = build(architecture, device="meta").eval()
    macs = {row.path: row.macs for row in count(architecture).rows if row.macs}
    found: dict[str, Operation] = {}
    for path, count_of_it in macs.items():
        network.get_submodule(path).register_forward_hook(_recorder(found, path, count_of_it))
    size = network.architecture.image_size
    with torch.no_grad():
        network(torch.empty(1, 3, size, size, device="meta"))
    for path, module in network.named_modules():
        if fused and isinstance(module, LambdaLayer):
            inner = [found.pop(f"{path}.{name}") for name in INNER if f"{path}.{name}" in found]
            n = _positions(found[f"{path}.queries"], module.queries)
            inputs = sum(conv.out_channels for conv in (module.queries, module.values)) + module.k * module.u
            weights = sum(weight for _, _, weight in inner)
            found[path] = (sum(each for each, _, _ in inner), (inputs + module.v * module.h) * n, weights)
    return tuple(found.values())


def _positions(operation: Operation, conv: object) -> int:
    channels = conv.in_channels + conv.out_channels  # type: ignore[attr-defined]
    return operation[1] // channels


def _recorder(found: dict[str, Operation], path: str, macs: int):  # type: ignore[no-untyped-def]
    def record(module, inputs, output) -> None:  # type: ignore[no-untyped-def]
        elements = sum(each.numel() for each in inputs) + output.numel()
        found[path] = (macs, elements, sum(each.numel() for each in module.parameters(recurse=False)))

    return record
