"""The cost model of GPUs follows from their rates."""

import pytest
import torch

from lambda_arch.nn.evaluation import LayerShape, ceilings, choose
from lambda_arch.nn.evaluation.ceilings import DATA_SHEET, Ceilings
from lambda_arch.nn.evaluation.gpu_cost_model import modelled_seconds

C2 = LayerShape(128, 56, 56, 4, 16, 1, 16, (23, 23))


def slowed(copy=1.0, products=1.0, narrow=1.0):
    return Ceilings(
        DATA_SHEET.copy / copy,
        {kind: rate / products for kind, rate in DATA_SHEET.products.items()},
        {kind: rate / narrow for kind, rate in DATA_SHEET.narrow.items()},
    )


def test_one_input_channel_runs_at_the_narrow_rate():
    macs = 128 * 16 * 16 * 23 * 23 * 56 * 56
    slow = slowed(narrow=100)
    assert modelled_seconds("convolution", C2, slow, dtype=torch.bfloat16) > 2 * macs / slow.narrow["bf16"]
    fast = modelled_seconds("folded", C2, slow, dtype=torch.bfloat16)
    assert fast == modelled_seconds("folded", C2, DATA_SHEET, dtype=torch.bfloat16)
    wide = LayerShape(128, 56, 56, 4, 16, 8, 16, (23, 23))  # eight channels need no folding
    assert modelled_seconds("convolution", wide, slow, dtype=torch.bfloat16) == modelled_seconds(
        "convolution", wide, DATA_SHEET, dtype=torch.bfloat16
    )


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_no_order_is_faster_on_a_slower_device(dtype):
    for order in ("convolution", "folded", "matrix", "queries_first", "fft", "fused"):
        fast = modelled_seconds(order, C2, DATA_SHEET, dtype=dtype)
        for slow in (slowed(copy=10), slowed(products=10), slowed(narrow=10)):
            assert modelled_seconds(order, C2, slow, dtype=dtype) >= fast > 0


def test_the_choice_follows_the_rates():
    chosen = choose(C2, "cuda", dtype=torch.bfloat16, ceilings=DATA_SHEET).order
    assert chosen in ("folded", "fused")
    # without matrix units a folded convolution is no faster than one of a single channel
    cuda_cores_only = slowed(products=1000)
    assert choose(C2, "cuda", dtype=torch.bfloat16, ceilings=cuda_cores_only).order == "convolution"
    small = LayerShape(128, 7, 7, 4, 16, 1, 128, (23, 23))
    assert choose(small, "cuda", dtype=torch.bfloat16, ceilings=DATA_SHEET).order == "queries_first"


def test_without_a_gpu_the_data_sheet_is_used_and_nothing_is_measured(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(ceilings, "measure_rates", pytest.fail)
    assert ceilings.ceilings_here() == DATA_SHEET


def test_a_gpu_is_measured_once_in_a_process_and_it_is_said(monkeypatch):
    calls = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a GPU")
    monkeypatch.setattr(ceilings, "_known", {})

    def measure(*arguments):
        calls.append(arguments)
        return [("copy", 1e12, ""), ("fp32", 2e12, ""), ("narrow_fp32", 1e11, "")]

    monkeypatch.setattr(ceilings, "measure_rates", measure)
    with pytest.warns(UserWarning, match="a GPU: measuring its rates once"):
        first = ceilings.ceilings_here()
    assert ceilings.ceilings_here() is first
    assert len(calls) == 1 and first.narrow == {"fp32": 1e11}


def test_rates_without_those_of_narrow_convolutions_are_not_enough():
    assert Ceilings.of({"copy": 1.0, "fp32": 1.0}) is None
