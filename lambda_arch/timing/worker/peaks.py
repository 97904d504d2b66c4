"""The peak rates of a device: of a matrix product in each dtype, and of a copy; on CUDA of position lambdas too."""

from collections.abc import Iterator

import torch

from lambda_arch.nn.evaluation import ceilings
from lambda_arch.timing.protocol.messages import Peak
from lambda_arch.timing.worker.devices import select_device


def measure_peaks(device: str, threads: int, seconds: float) -> Iterator[Peak]:
    """Yield the peak rate of every dtype that ``device`` supports, and of a copy.

    A peak is the best of all sizes and repetitions; each size is repeated for ``seconds``. On CUDA there are also the
    rates of position lambdas by evaluation (``narrow_bf16``, ``folded_bf16``, ``fused_bf16``), for the cost model.
    """
    torch.set_num_threads(threads)
    select_device(device)
    kinds = ceilings.KINDS if device.startswith("cuda") else (*ceilings.DTYPES, ceilings.COPY)
    for kind, rate, detail in ceilings.measure_rates(device, seconds, kinds):
        yield Peak(kind, rate, detail)
