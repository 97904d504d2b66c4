"""The networks of public code, by name: parameters counted once from that code itself, to the unit."""

import pytest

from lambda_arch.arch import parse
from lambda_arch.costs import count, count_by_torch, verify

# sum(p.numel() for p in model.parameters()) of its model.py: 1000 classes, and 10 for CIFAR-10
LEADERJ1001 = [
    ("resnet18", 15_999_016, 13_970_506),
    ("resnet50", 25_560_872, 23_532_362),
    ("lambda_resnet18", 10_129_512, 8_101_002),
    ("lambda_resnet50", 14_999_432, 12_970_922),
    ("lambda_resnet152", 32_810_152, 30_781_642),
    ("lambda_resnet200", 35_299_752, 33_271_242),
    ("lambda_resnet270", 48_084_744, 46_056_234),
    ("lambda_resnet350", 60_059_880, 58_031_370),
    ("lambda_resnet420", 69_898_840, 67_870_330),
]
# the same of its lambda_resnet.py
D_LI14 = [(26, 10_125_800), (38, 12_000_296), (50, 14_995_848), (101, 24_736_168), (152, 32_807_112)]

# the same of its models/byoanet.py, timm 1.0.31
TIMM = [
    ("lambda_resnet26t", 10_958_272),
    ("lambda_resnet26rpt_256", 10_988_688),
    ("lambda_resnet50ts", 21_536_832),
]


@pytest.mark.parametrize(("name", "params", "params_cifar10"), LEADERJ1001)
def test_leaderj1001(name, params, params_cifar10):
    assert count(parse(f"leaderj1001_{name}")).params == params
    assert count(parse(f"leaderj1001_{name}_cifar10")).params == params_cifar10
    assert parse(f"leaderj1001_{name}_cifar10").image_size == 32


@pytest.mark.parametrize(("depth", "params"), D_LI14)
def test_d_li14(depth, params):
    assert count(parse(f"d_li14_lambda_resnet{depth}")).params == params


@pytest.mark.parametrize(("name", "params"), TIMM)
def test_timm(name, params):
    architecture = parse(f"timm_{name}")
    assert architecture.image_size == 256
    assert count(architecture).params == params
    assert count_by_torch(architecture).ledger.params == params


@pytest.mark.slow
@pytest.mark.parametrize(("name", "size"), [(name, size) for name, _ in TIMM for size in (64, 97)])
def test_timm_in_three_counters(name, size):
    assert verify(parse(f"timm_{name}@{size}")).disagreements == ()


def test_timm_has_a_tiered_stem():
    rows = {row.path: row for row in count(parse("timm_lambda_resnet26t")).by_part()["stem"].rows}
    convolutions = ("stem.1.conv", "stem.2.conv", "stem.3.conv")
    assert [rows[path].shape for path in convolutions] == [(1, width, 128, 128) for width in (24, 32, 64)]
    assert [rows[path].params for path in convolutions] == [3 * 24 * 9, 24 * 32 * 9, 32 * 64 * 9]
    assert rows["stem.pool"].kind == "max_pool"


def test_d_li14_prints_its_multiply_accumulates():
    assert round(count(parse("d_li14_lambda_resnet50")).macs / 1e9, 3) == 6.576


def test_a_network_that_never_strides_computes_far_more():
    plain, strided = count(parse("leaderj1001_resnet50")), count(parse("resnet50"))
    assert plain.macs > 15 * strided.macs
    shapes = {row.path: row.shape for row in plain.rows}
    assert shapes["c5.3.expand.conv"] == (1, 2048, 56, 56)


def test_a_pool_more_costs_no_parameters_and_no_multiply_accumulates():
    ours, theirs = count(parse("lambda_resnet50:shortcut_bias=yes")), count(parse("leaderj1001_lambda_resnet50"))
    assert (ours.params, ours.macs) == (theirs.params, theirs.macs)
    assert {row.path for row in theirs.rows} - {row.path for row in ours.rows} == {"c2.1.spatial.pool"}
