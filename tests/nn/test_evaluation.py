"""Every evaluation is exact: equal to the others and to the PyPI layer lambda-networks, outputs and gradients."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from lambda_networks import LambdaLayer as Peer
from torch.utils.flop_counter import FlopCounterMode

from lambda_arch.arch.evaluation_shapes import FOLDS, sensible_folds
from lambda_arch.nn import LambdaLayer
from lambda_arch.nn.evaluation import (
    CANONICAL,
    Evaluation,
    LayerShape,
    candidates,
    choose,
    fused,
    macs,
    parse_evaluation,
)
from lambda_arch.nn.evaluation.ceilings import DATA_SHEET

RECOMPUTED = ("convolution", "folded", "matrix", "queries_first")
FOLDED = [Evaluation("folded", fold=fold) for fold in FOLDS]
ALL = [*candidates(), *FOLDED, Evaluation("fused"), *(Evaluation(order, recompute=True) for order in RECOMPUTED)]
TOLERANCE = {torch.float64: 1e-9, torch.float32: 1e-5}


def outputs_and_gradients(layer, x, cotangent):
    x = x.clone().requires_grad_()
    layer.zero_grad()
    y = layer(x)
    y.backward(cotangent)
    gradients = {name: p.grad.clone() for name, p in layer.named_parameters() if p.grad is not None}
    return {"output": y.detach(), "input": x.grad, **gradients}


def assert_equal(ours, expected, tolerance):
    assert ours.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(
            ours[name], value, rtol=tolerance, atol=tolerance * max(1.0, value.abs().max().item())
        )


def shake(layer):
    """Give every parameter and running statistic a value that matters."""
    for name, tensor in layer.state_dict().items():
        if name.endswith("running_var"):
            tensor.uniform_(0.5, 1.5)
        elif tensor.is_floating_point():
            tensor.normal_(0, 0.3)


@st.composite
def cases(draw):
    height, width = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    content, position = draw(st.sampled_from([(True, True), (True, False), (False, True)]))
    return (
        {
            "h": draw(st.sampled_from([1, 2, 4])),
            "k": draw(st.integers(1, 5)),
            "u": draw(st.integers(1, 3)),
            "m": draw(st.sampled_from([1, 3, 5, 23, "global"])),
            "size": (height + draw(st.integers(0, 2)), width + draw(st.integers(0, 2))),
            "content": content,
            "position": position,
            "bias": draw(st.booleans()),
        },
        (draw(st.integers(1, 3)), height, width),
        draw(st.integers(0, 2**31)),
    )


@settings(max_examples=25)
@given(cases(), st.booleans(), st.sampled_from([torch.float64, torch.float64, torch.float32]))
def test_evaluations_are_equal_to_the_canonical_one(case, training, dtype):
    settings_of_layer, (b, height, width), seed = case
    torch.manual_seed(seed)
    layer = LambdaLayer(8, **settings_of_layer).to(dtype)
    shake(layer)
    # with one value a channel, batch statistics divide by nearly nothing and amplify rounding without bound
    layer.train(training and b * height * width > 8)
    x, cotangent = torch.randn(2, b, 8, height, width, dtype=dtype)
    expected = outputs_and_gradients(layer, x, cotangent)
    for evaluation in ALL:
        layer.set_evaluation(evaluation)
        assert_equal(outputs_and_gradients(layer, x, cotangent), expected, TOLERANCE[dtype])


def load_peer(layer, peer, dim, u, k):
    """Give our layer the peer's weights; the peer orders key channels (u, k) and value channels (u, v)."""
    v = layer.v

    def swap(tensor, depth):
        return tensor.unflatten(0, (u, depth)).transpose(0, 1).flatten(0, 1)

    state = layer.state_dict()
    state["queries.weight"] = peer.to_q.weight
    state["keys.weight"] = swap(peer.to_k.weight, k)
    state["values.weight"] = swap(peer.to_v.weight, v)
    for name in ("weight", "bias", "running_mean", "running_var"):
        state[f"query_norm.{name}"] = getattr(peer.norm_q, name)
        state[f"value_norm.{name}"] = swap(getattr(peer.norm_v, name), v)
    if peer.local_contexts:
        state["position.weight"] = peer.pos_conv.weight.squeeze(2)
        state["position.bias"] = peer.pos_conv.bias
    else:
        state["position.weight"] = peer.rel_pos_emb.permute(2, 3, 0, 1)
    layer.load_state_dict({name: tensor.detach().clone() for name, tensor in state.items()})


@pytest.mark.filterwarnings("ignore:torch.meshgrid")
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize(
    ("u", "m", "b", "height", "width"),
    [
        (1, 23, 2, 7, 7),
        (3, 5, 1, 9, 4),
        (2, 23, 3, 5, 8),
        (1, 3, 2, 1, 6),
        (1, "global", 2, 5, 5),
        (2, "global", 3, 4, 4),
    ],
)
def test_evaluations_are_equal_to_lambda_networks(u, m, b, height, width, dtype):
    torch.manual_seed(1)
    k, h, dim = 6, 4, 16
    where = {"n": height} if m == "global" else {"r": m}
    peer = Peer(dim=dim, dim_k=k, heads=h, dim_u=u, **where)
    shake(peer)
    layer = LambdaLayer(dim, k=k, h=h, u=u, m=m, size=(height, width), bias=m != "global")
    load_peer(layer, peer, dim, u, k)
    layer, peer = layer.to(dtype).eval(), peer.to(dtype).eval()
    x, cotangent = torch.randn(2, b, dim, height, width, dtype=dtype)
    for norm in (peer.norm_q, peer.norm_v):  # torch's batch norm backward is wrong without, see the next test
        norm.register_full_backward_pre_hook(lambda _, gradients: tuple(each.contiguous() for each in gradients))
    theirs = outputs_and_gradients(peer, x, cotangent)
    swap = lambda t, depth: t.unflatten(0, (u, depth)).transpose(0, 1).flatten(0, 1)  # noqa: E731
    expected = {
        "output": theirs["output"],
        "input": theirs["input"],
        "queries.weight": theirs["to_q.weight"],
        "keys.weight": swap(theirs["to_k.weight"], k),
        "values.weight": swap(theirs["to_v.weight"], layer.v),
        "query_norm.weight": theirs["norm_q.weight"],
        "value_norm.bias": swap(theirs["norm_v.bias"], layer.v),
        "position.weight": theirs["rel_pos_emb"].permute(2, 3, 0, 1)
        if m == "global"
        else theirs["pos_conv.weight"].squeeze(2),
    }
    for evaluation in ALL:
        layer.set_evaluation(evaluation)
        found = outputs_and_gradients(layer, x, cotangent)
        assert_equal({name: found[name] for name in expected}, expected, TOLERANCE[dtype])


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("evaluation", ["canonical", "queries_first", "matrix/sum"])
def test_gradients_of_one_image_are_those_of_a_batch(evaluation, training):
    """Batches of one took a wrong path through torch's batch norm: its bias gradient summed the wrong elements."""
    torch.manual_seed(2)
    layer = LambdaLayer(8, k=3, h=2, m=3, size=(3, 4), evaluation=evaluation).double().train(training)
    x, cotangent = torch.randn(2, 1, 8, 3, 4, dtype=torch.float64)
    alone = outputs_and_gradients(layer, x, cotangent)
    twice = outputs_and_gradients(layer, x.expand(2, -1, -1, -1), cotangent.expand(2, -1, -1, -1))
    for name in ("query_norm.bias", "query_norm.weight", "value_norm.bias", "position.weight"):
        torch.testing.assert_close(2 * alone[name], twice[name])


@settings(max_examples=40)
@given(cases())
def test_executed_macs_are_those_that_a_counter_sees(case):
    settings_of_layer, (b, height, width), _ = case
    layer = LambdaLayer(8, **{**settings_of_layer, "size": (height, width)}).eval()
    x = torch.zeros(b, 8, height, width)
    projections = sum(
        c.weight.numel() for c in layer.children() if isinstance(c, torch.nn.Conv2d) and c is not layer.position
    )
    for evaluation in [*candidates(), *FOLDED]:
        if evaluation.order == "fft" or evaluation.apply != "product":  # no counter sees these
            continue
        layer.set_evaluation(evaluation)
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            layer(x)
        executed = counter.get_total_flops() // 2 - projections * b * height * width
        assert executed == macs(evaluation, layer.layer_shape(b, (height, width))), str(evaluation)


def test_the_ways_of_applying_cost_the_same():
    at = LayerShape(2, 14, 14, 4, 16, 1, 64, (23, 23))
    assert len({macs(Evaluation("matrix", apply), at) for apply in ("product", "sum", "accumulate")}) == 1


def test_small_maps_execute_less_than_is_counted():
    at = LayerShape(8, 7, 7, 4, 16, 1, 128, (23, 23))
    assert macs(choose(at), at) < macs(CANONICAL, at) / 5


def test_a_convolution_is_cut_to_what_the_map_can_meet():
    layer = LambdaLayer(8, k=2, h=2, m=23, size=4, evaluation="convolution")
    assert layer.layer_shape().reach == (7, 7)
    assert macs(layer.evaluation, layer.layer_shape()) < macs(CANONICAL, layer.layer_shape())


def test_the_choice_depends_on_the_problem_alone():
    problems = [
        LayerShape(b, s, s, 4, 16, 1, v, (23, 23)) for b in (1, 8) for s, v in ((7, 128), (14, 64), (28, 32), (56, 16))
    ]
    first = [choose(at) for at in problems]
    assert first == [choose(at) for at in reversed(problems)][::-1]
    assert {str(e).partition("/")[0] for e in first} >= {"queries_first", "convolution"}
    assert choose(problems[0], "meta") == CANONICAL
    once = LayerShape(1, 14, 14, 4, 16, 1, 64, (23, 23))
    assert choose(once).order == "convolution"  # a single image does not pay for gathering
    assert choose(once, gathered=True).order == "queries_first"
    # the backward pass of a large convolution is slow on CPUs: no training step should wait for it
    assert "convolution" not in {choose(at, training=True).order for at in problems}


@pytest.mark.parametrize("evaluation", ALL, ids=str)
def test_names_are_read_as_they_are_written(evaluation):
    assert parse_evaluation(str(evaluation)) == evaluation


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("matrx", "did you mean matrix"),
        ("matrix/summ", "did you mean sum"),
        ("queries_first/sum", "expected ORDER"),
        ("fft/sum/more", "expected ORDER"),
        ("canonical/recompute", "convolution/recompute"),
        ("", "canonical"),
        ("folded:z8", "expected folded:FOLD, with one of x2"),
        ("folded:/sum", "expected folded:FOLD"),
        ("matrix:x8", "expected folded:FOLD"),
    ],
)
def test_wrong_names_are_refused(name, says):
    with pytest.raises(ValueError, match=says):
        parse_evaluation(name)


def test_names_of_earlier_versions_are_those_of_the_default_fold():
    assert parse_evaluation("folded/product") == Evaluation("folded", "product")
    assert parse_evaluation("folded:y4/product") == Evaluation("folded", "product", fold="y4")


def test_folds_to_choose_from_do_not_double_the_scope():
    assert sensible_folds((23, 23)) == ["", "x2", "x4", "x16", "y2", "y4", "y8", "y16"]
    assert sensible_folds((1, 3)) == ["", "x2"]  # x4 is the default


@pytest.mark.parametrize(("sides", "scope", "axis"), [((2, 56), (3, 23), "x"), ((56, 2), (23, 3), "y")])
def test_the_fold_follows_the_scope(sides, scope, axis, monkeypatch):
    """Only along the long axis are there 8 channels without padding 3 to 8."""
    monkeypatch.setattr(fused, "has_triton", lambda: False)  # its kernels would be chosen
    chosen = choose(LayerShape(8, *sides, 4, 16, 1, 16, scope), "cuda", dtype=torch.bfloat16, ceilings=DATA_SHEET)
    assert chosen.order == "folded" and (chosen.fold or "x8")[0] == axis


def test_auto_needs_a_size():
    with pytest.raises(ValueError, match="expected size"):
        LambdaLayer(8, m=5, evaluation="auto")


def test_every_evaluation_refuses_maps_over_a_global_size():
    layer = LambdaLayer(8, k=2, h=2, m="global", size=4)
    for evaluation in candidates():
        layer.set_evaluation(evaluation)
        with pytest.raises(ValueError, match="at most 4x4"):
            layer(torch.zeros(1, 8, 5, 4))
