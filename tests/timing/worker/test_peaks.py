from lambda_arch.nn.evaluation import ceilings
from lambda_arch.timing.worker import peaks


def test_peaks_are_rates_of_every_dtype_that_the_device_has(monkeypatch):
    monkeypatch.setitem(ceilings.SIDES, "cpu", (64, 128))
    monkeypatch.setitem(ceilings.COPIES, "cpu", (1 << 20,))
    found = {peak.kind: peak.rate for peak in peaks.measure_peaks("cpu", 1, 0.0)}
    assert {"fp32", "bf16", "copy"} <= found.keys()
    assert "tf32" not in found
    assert all(rate > 1e6 for rate in found.values())
