"""The second counter: fvcore on the built network, independent of the closed form.

fvcore 0.1.5 cannot trace on the meta device, so the network runs on the CPU. Its handle for matrix products takes the
cost from the first operand alone; that is exact here, where no first operand is broadcast.
"""

import torch

from lambda_arch.arch import Architecture
from lambda_arch.costs.counted import Counted, image_for, module_rows, shapes_of
from lambda_arch.nn import build

NOT_MACS = ("batch_norm", "adaptive_avg_pool2d", "upsample_bilinear2d")
"""Operations in fvcore's own total that are not multiply-accumulates."""


def count_by_fvcore(architecture: Architecture) -> Counted:
    """Count with fvcore's FlopCountAnalysis, on the CPU and with all weights zero."""
    from fvcore.nn import FlopCountAnalysis

    meta = build(architecture, device="meta")  # to see which parameters are shared, because to_empty separates them
    network = build(architecture, device="meta").to_empty(device="cpu").eval()
    for tensor in (*network.parameters(), *network.buffers()):
        tensor.detach().zero_()
    with shapes_of(network) as shapes, torch.no_grad():
        analysis = FlopCountAnalysis(network, (image_for(architecture, "cpu"),))
        analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
        by_module = analysis.by_module_and_operator()
        zero = analysis.unsupported_ops()
    rows = []
    for row in module_rows(meta, shapes):
        operators = by_module[row.path]
        macs = sum(cost for name, cost in operators.items() if name not in NOT_MACS)
        rows.append(row._replace(macs=int(macs), fvcore_flops=int(sum(operators.values()))))
    return Counted.of("fvcore", architecture, rows, zero)
