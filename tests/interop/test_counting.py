import json

import pytest
import torch
from torch import nn

from lambda_arch import ArchitectureError, ModuleError, build, count
from lambda_arch.interop import handler_of
from lambda_arch.interop.counting import ROOT
from lambda_arch.interop.handlers import HANDLERS
from tests.interop.user_models import Attention, Twice, Untraceable


@pytest.fixture
def handlers(monkeypatch):
    monkeypatch.setattr("lambda_arch.interop.handlers.HANDLERS", HANDLERS.copy())


def by_path(ledger):
    return {row.path: row for row in ledger.rows}


def test_a_network_of_ours_as_any_module_has_the_costs_of_the_closed_form():
    name = "lambda_resnet26:m=7,classes=10@32"
    ledger, network = count(name), build(name)
    found = count(network, torch.zeros(1, 3, 32, 32))
    assert (found.params, found.macs, found.fvcore_flops) == (ledger.params, ledger.macs, ledger.fvcore_flops)
    assert found.agree
    rows = by_path(found)
    for row in ledger.rows:
        if row.params or row.macs:
            assert (rows[row.path].params, rows[row.path].torch_macs) == (row.params, row.macs)
    assert found.buffers == sum(buffer.numel() for buffer in network.buffers())


def test_the_package_lambda_networks_is_counted_and_fvcores_digits_of_an_einsum_are_shown():
    lambda_networks = pytest.importorskip("lambda_networks")
    found = count(lambda_networks.LambdaLayer(dim=32, dim_k=16, r=7, heads=4), torch.zeros(1, 32, 8, 8))
    # 1x1 convolutions of 64 queries, 16 keys, 8 values; content lambdas, position lambdas, both applied
    projections, contents, positions = 64 * 32 * 88, 64 * 16 * 8, 64 * 16 * 49 * 8
    assert found.torch_macs == projections + contents + positions + 2 * 64 * 64 * 8
    assert [row.path for row in found.differing] in ([], [ROOT])  # the einsums, whose costs fvcore rounds
    assert found.rows[0].kind == "LambdaLayer"


def test_attention_is_counted_by_torch_and_listed_as_unknown_to_fvcore():
    found = count(Attention(), torch.zeros(2, 5, 8))
    assert by_path(found)[ROOT].torch_macs == 2 * 2 * 5 * 5 * 8
    assert by_path(found)[ROOT].fvcore_macs == 0
    assert [row.path for row in found.differing] == [ROOT]
    assert found.agree is False
    assert found.zero["fvcore"]["aten::scaled_dot_product_attention"] == 1
    assert (found.params, found.frozen) == (8 * 24 + 24, 5)
    assert found.macs == found.torch_macs
    assert "differ in 1 of 2 rows" in str(found)


def test_a_users_formula_counts_what_a_counter_does_not_know(handlers):
    seen = []

    @handler_of("aten::scaled_dot_product_attention")
    def attention(inputs, outputs):
        seen.append((inputs[0], outputs[0]))
        batch, heads, n, d = inputs[0]
        return 2 * batch * heads * n * n * d

    @handler_of("aten::add")
    def addition(inputs, outputs):
        return 7

    found = count(Attention(), torch.zeros(2, 5, 8))
    assert by_path(found)[ROOT].fvcore_macs == by_path(found)[ROOT].torch_macs == 2 * 2 * 5 * 5 * 8 + 7
    assert "aten::scaled_dot_product_attention" not in found.zero["fvcore"]
    assert "aten::add" not in found.zero["torch"]
    assert seen == [((2, 1, 5, 8), (2, 1, 5, 8))]


def test_a_failing_formula_names_its_counter(handlers):
    handler_of("aten::linear")(lambda inputs, outputs: inputs["x"])
    found = count(Attention(), torch.zeros(2, 5, 8))
    assert "TypeError" in found.failed["fvcore"]
    assert found.fvcore_macs is None
    assert found.torch_macs == found.macs


def test_a_shared_layer_counts_once_in_parameters_and_each_time_in_products():
    found = count(Twice(), (torch.zeros(4, 8), torch.ones(4, 1, dtype=torch.bool)))
    rows = by_path(found)
    assert (rows["first"].params, rows["first"].torch_macs, rows["first"].fvcore_macs) == (64, 2 * 256, 2 * 256)
    assert (rows["unused"].params, rows["unused"].torch_macs, rows["unused"].shape) == (12, 0, None)
    assert "second" not in rows
    assert found.inputs == "4,8;4,1:bool"


def test_a_counter_that_cannot_run_says_why_and_the_other_counts():
    found = count(Untraceable(), torch.zeros(1, 8))
    assert found.fvcore_macs is None
    assert found.torch_macs == 64
    assert found.agree is None
    assert "fvcore could not count it: RuntimeError: no traces of me" in str(found)


def test_counting_leaves_the_module_as_it_was():
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    module[1].eval()
    mean, fused = module[1].running_mean.clone(), torch.backends.mha.get_fastpath_enabled()
    count(module, torch.randn(2, 3, 8, 8))
    assert (module.training, module[0].training, module[1].training) == (True, True, False)
    assert torch.equal(module[1].running_mean, mean)
    assert not module[0]._forward_hooks
    assert not module[0]._forward_pre_hooks
    assert torch.backends.mha.get_fastpath_enabled() == fused


def test_a_module_that_does_not_run_names_the_line():
    with pytest.raises(ModuleError, match=r"^Attention: line \d+ of .*mat1 and mat2"):
        count(Attention(), torch.zeros(1, 9))
    with pytest.raises(ModuleError, match=r"^Twice: .*missing 1 required positional argument"):
        count(Twice(), torch.zeros(1, 8))


def test_what_is_no_module_or_no_input_is_refused():
    with pytest.raises(ArchitectureError, match="example_input: expected a tensor"):
        count(Attention(), None)
    with pytest.raises(ArchitectureError, match=r"expected an nn\.Module"):
        count(3, torch.zeros(1))
    with pytest.raises(ArchitectureError, match="k: is for architectures by name"):
        count(Attention(), torch.zeros(1, 5, 8), k=8)


def test_frames_and_json_have_a_row_per_module():
    from lambda_arch.reporting import FORMATS, report_of

    found = count(Attention(), torch.zeros(2, 5, 8))
    frame = found.to_frame()
    assert list(frame.path) == [ROOT, "project"]
    assert frame.torch_macs.sum() == found.torch_macs
    data = json.loads(FORMATS["json"](report_of(found)))
    assert data["zero"]["fvcore"]["aten::scaled_dot_product_attention"] == 1


def test_what_both_counters_miss_is_said_though_they_agree():
    found = count(nn.LSTM(4, 8, batch_first=True), torch.zeros(1, 3, 4))
    assert found.agree
    assert found.macs == 0
    assert found.missed["fvcore"] == {"aten::lstm": 1}
    assert list(found.missed) == ["fvcore", "torch"]
    text = " ".join(str(found).split())
    assert "fvcore's total is too low: it counts nothing for aten::lstm (1 times)" in text
    assert count(nn.Sequential(nn.Linear(4, 4), nn.Softmax(1), nn.GELU()), torch.zeros(1, 4)).missed == {}


def test_operations_of_other_libraries_are_listed():
    library = torch.library.Library("lambda_arch_test", "FRAGMENT")
    library.define("twice(Tensor x) -> Tensor")
    library.impl("twice", lambda x: x + x, "CompositeExplicitAutograd")

    class Twice(nn.Module):
        def forward(self, x):
            return torch.ops.lambda_arch_test.twice(x)

    found = count(Twice(), torch.zeros(1, 4))
    assert found.missed == {"fvcore": {"lambda_arch_test::twice": 1}, "torch": {"lambda_arch_test::twice": 1}}
