import pytest

from lambda_arch import LambdaArchError, count
from lambda_arch.comparing import explain
from lambda_arch.comparing.explaining import GLOBAL


def test_twenty_gflops_are_a_scope_left_out():
    """github.com/lucidrains/lambda-networks, issue 22: a ResNet-50 with lambda layers at 224x224 has "about 20G"."""
    found = explain(macs="20G")
    left_out = [each for each in found.best if GLOBAL in each.changes]
    assert left_out
    for each in left_out:
        flops = count(str(each.architecture)).flops
        assert each.counted == "FLOPs, 2 x MACs"
        assert 19.5e9 <= each.value == flops <= 20.5e9
        assert each.local < 0.6 * each.value
    assert "The LambdaLayer of lambda-networks is local only where its argument r is given" in " ".join(
        str(found).split()
    )


def test_both_figures_leave_one_network():
    found = explain(params="22.16M", macs="19.85G")
    assert [str(each.architecture) for each in found.best] == ["lambda_resnet50:stages=CLLC,m=global"]
    assert found.best[0].local == count("lambda_resnet50:stages=CLLC").flops
    assert found.found == 1


@pytest.mark.parametrize(
    ("figures", "counted", "changes"),
    [
        ({"macs": "6.576G"}, "MACs", ()),
        ({"macs": "13.15G"}, "FLOPs, 2 x MACs", ()),
        ({"macs": "16.99G"}, "MACs", (GLOBAL,)),
        ({"params": "14.7M"}, "MACs", ("k=4",)),
    ],
)
def test_the_simplest_hypothesis_comes_first(figures, counted, changes):
    best = explain(**figures).best[0]
    assert (best.counted, best.changes) == (counted, changes)


def test_a_plain_network_has_no_scope_to_leave_out():
    found = explain(macs="8.2G", architecture="resnet50")
    assert found.best[0].changes == ()
    assert all(GLOBAL not in each.changes and each.local is None for each in found.best)


def test_no_hypothesis_and_no_figure():
    assert explain(macs="900G").best == ()
    assert "0 of 297 hypotheses" in str(explain(macs="900G"))
    with pytest.raises(LambdaArchError, match="expected params, macs, or both"):
        explain()
    with pytest.raises(LambdaArchError, match="expected a ResNet"):
        explain(macs="1G", architecture="efficientnet_b0")


@pytest.mark.slow  # match searches nine million architectures
def test_the_command_line(run_cli):
    code, out, _ = run_cli("audit", "--macs", "20G", "--format", "md")
    assert code == 0
    assert "scope left out, so global; stages=CLLC" in out
    assert run_cli("audit", "scope_size", "--macs", "20G").code == 2
    assert run_cli("audit", "--architecture", "resnet50").code == 2
    assert "r is left out" in run_cli("match", "--macs", "19.977G", "--depth", 50, "--format", "md").out
