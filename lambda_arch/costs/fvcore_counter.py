"""The second counter: fvcore on the built network, independent of the closed form.

fvcore 0.1.5 cannot trace on the meta device, so the network runs on the CPU. Its handle for matrix products takes the
cost from the first operand alone; that is exact here, where no first operand is broadcast.
"""

import copy
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from lambda_arch.arch import Architecture
from lambda_arch.costs.counted import Counted
from lambda_arch.costs.network_rows import image_for, module_rows, shapes_of
from lambda_arch.nn import build

NOT_MACS = (
    *("batch_norm", "group_norm", "instance_norm", "layer_norm"),
    *("adaptive_avg_pool2d", "grid_sampler", "upsample_bilinear2d", "upsample_nearest2d"),
)
"""Operations in fvcore's own total that are not multiply-accumulates."""


def count_by_fvcore(architecture: Architecture) -> Counted:
    """Count with fvcore's FlopCountAnalysis, on the CPU and with all weights zero."""
    meta = build(architecture, device="meta")  # to see which parameters are shared, because to_empty separates them
    network = copy.deepcopy(meta).to_empty(device="cpu").eval()
    for tensor in (*network.parameters(), *network.buffers()):
        tensor.detach().zero_()
    image = image_for(architecture, "cpu")
    with shapes_of(network) as shapes, torch.no_grad():  # before tracing, which would trace the shapes too
        network(image)
    by_module, zero = operators_by_module(network, (image,))
    rows = []
    for row in module_rows(meta, shapes):
        operators = by_module[row.path]
        rows.append(row._replace(macs=macs_of(operators), fvcore_flops=int(sum(operators.values()))))
    return Counted.of("fvcore", architecture, rows, zero)


def operators_by_module(
    network: nn.Module, inputs: tuple[torch.Tensor, ...], handles: Mapping[str, Callable[..., Any]] | None = None
) -> tuple[dict[str, Counter[str]], dict[str, int]]:
    """Run fvcore on any module; return the cost of each operator by module, and how often each unsupported one ran.

    A module's costs are its own, without those of its submodules; a module with several paths has the first.
    ``handles``: further ones, by operation (``aten::softmax``), as fvcore takes them.
    """
    from fvcore.nn import FlopCountAnalysis

    with torch.no_grad():
        analysis = FlopCountAnalysis(network, inputs).set_op_handle(**(handles or {}))
        analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False).tracer_warnings("none")
        whole = analysis.by_module_and_operator()
        zero = analysis.unsupported_ops()
    own = {path: Counter(whole[path]) for path, _ in network.named_modules()}
    for path in own:
        if path:
            own[path.rpartition(".")[0]].subtract(whole[path])
    return own, dict(zero)


def macs_of(operators: Mapping[str, float]) -> int:
    """Return the multiply-accumulates among the costs of operators."""
    return int(sum(cost for name, cost in operators.items() if name not in NOT_MACS))
