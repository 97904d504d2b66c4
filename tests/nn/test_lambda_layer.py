import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from lambda_networks import LambdaLayer as Oracle

from lambda_arch.nn import LambdaLayer


def same_weights(
    dim: int, dim_out: int, *, k: int, h: int, u: int, m: int | str, size: int
) -> tuple[LambdaLayer, Oracle]:
    """Return our layer and the PyPI package lambda-networks' with the same random weights, in float64.

    There key channels are ordered (u, k) and value channels (u, v); here (k, u) and (v, u).
    """
    where = {"n": size} if m == "global" else {"r": m}
    oracle = Oracle(dim, dim_out=dim_out, dim_k=k, heads=h, dim_u=u, **where).double()
    ours = LambdaLayer(dim, dim_out, k=k, h=h, u=u, m=m, size=size, bias=m != "global").double()
    for tensor in oracle.parameters():
        torch.nn.init.normal_(tensor, std=0.5)
    v = dim_out // h
    with torch.no_grad():
        ours.queries.weight.copy_(oracle.to_q.weight)
        ours.keys.weight.copy_(oracle.to_k.weight.view(u, k, dim, 1, 1).transpose(0, 1).reshape(k * u, dim, 1, 1))
        ours.values.weight.copy_(oracle.to_v.weight.view(u, v, dim, 1, 1).transpose(0, 1).reshape(v * u, dim, 1, 1))
        for mine, theirs, order in ((ours.query_norm, oracle.norm_q, None), (ours.value_norm, oracle.norm_v, (u, v))):
            for name in ("weight", "bias"):
                source = getattr(theirs, name)
                getattr(mine, name).copy_(source if order is None else source.view(order).t().reshape(-1))
        if m == "global":
            ours.position.weight.copy_(oracle.rel_pos_emb.permute(2, 3, 0, 1))
        else:
            ours.position.weight.copy_(oracle.pos_conv.weight.squeeze(2))
            ours.position.bias.copy_(oracle.pos_conv.bias)
    return ours, oracle


@pytest.mark.filterwarnings("ignore:torch.meshgrid")
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("size", [5, 8])
@pytest.mark.parametrize("u", [1, 4])
@pytest.mark.parametrize("m", [1, 7, 23, "global"])
def test_outputs_and_gradients_equal_the_public_layer(m, u, size, training):
    torch.manual_seed(0)
    ours, oracle = same_weights(24, 32, k=6, h=4, u=u, m=m, size=size)
    ours.train(training)
    oracle.train(training)
    x = torch.randn(3, 24, size, size, dtype=torch.float64)
    inputs = [x.clone().requires_grad_() for _ in range(2)]
    outputs = [layer(each) for layer, each in zip((ours, oracle), inputs, strict=True)]
    torch.testing.assert_close(outputs[0], outputs[1], rtol=1e-5, atol=1e-9)
    weights = torch.randn_like(outputs[0])
    for output in outputs:
        (output * weights).sum().backward()
    torch.testing.assert_close(inputs[0].grad, inputs[1].grad, rtol=1e-5, atol=1e-9)
    embedding = oracle.rel_pos_emb.grad.permute(2, 3, 0, 1) if m == "global" else oracle.pos_conv.weight.grad.squeeze(2)
    torch.testing.assert_close(ours.position.weight.grad, embedding, rtol=1e-5, atol=1e-9)
    torch.testing.assert_close(ours.queries.weight.grad, oracle.to_q.weight.grad, rtol=1e-5, atol=1e-9)


NORMS = {
    "softmax": lambda keys: keys.exp() / keys.exp().sum(-1, keepdim=True),
    "l2": lambda keys: keys / keys.square().sum(-1, keepdim=True).sqrt(),
    "none": lambda keys: keys,
}


def by_definition(layer: LambdaLayer, x: torch.Tensor, m: int) -> torch.Tensor:
    """Evaluate a lambda layer position by position, straight from the definition (Bello, ICLR 2021, section 3.1)."""
    b, _, height, width = x.shape
    k, h, u, v = layer.k, layer.h, layer.u, layer.v
    queries, values = layer.queries(x), layer.values(x)
    if layer.query_norm is not None:
        queries, values = layer.query_norm(queries), layer.value_norm(values)
    queries, values = queries.view(b, h, k, height, width), values.view(b, v, u, height, width)
    if layer.settings.query_softmax:
        queries = queries.exp() / queries.exp().sum(2, keepdim=True)
    out = torch.zeros(b, h, v, height, width, dtype=x.dtype)
    for y in range(height):
        for z in range(width):
            lambdas = torch.zeros(b, k, v, dtype=x.dtype)
            if layer.content is not None:
                keys = NORMS[layer.content.norm](layer.keys(x).view(b, k, u, -1))
                lambdas += torch.einsum("bkun,bvun->bkv", keys, values.flatten(3))
            if layer.position is not None:
                for dy in range(-(m // 2), m // 2 + 1):
                    for dz in range(-(m // 2), m // 2 + 1):
                        if 0 <= y + dy < height and 0 <= z + dz < width:
                            embedding = layer.position.weight[:, :, dy + m // 2, dz + m // 2]
                            lambdas += torch.einsum("ku,bvu->bkv", embedding, values[..., y + dy, z + dz])
            out[..., y, z] = torch.einsum("bhk,bkv->bhv", queries[..., y, z], lambdas)
    return out.flatten(1, 2)


@hypothesis_settings(max_examples=40)
@given(
    st.integers(1, 3), st.integers(1, 5), st.integers(1, 5), st.sampled_from([1, 3, 5]), st.sampled_from([1, 2, 4]),
    st.sampled_from([1, 3]), st.sampled_from([(True, True), (True, False), (False, True)]),
    st.sampled_from(list(NORMS)), st.booleans(), st.booleans(),
)  # fmt: skip
def test_it_is_the_definition(b, height, width, m, h, u, parts, key_norm, query_softmax, batch_norm):
    torch.manual_seed(0)
    layer = LambdaLayer(
        6, 8, k=3, h=h, u=u, m=m, content=parts[0], position=parts[1],
        key_norm=key_norm, query_softmax=query_softmax, batch_norm=batch_norm,
    ).double().eval()  # fmt: skip
    x = torch.randn(b, 6, height, width, dtype=torch.float64)
    expected = by_definition(layer, x, m)
    torch.testing.assert_close(layer(x), expected, rtol=1e-9, atol=1e-9)
    layer.set_evaluation("matrix")
    torch.testing.assert_close(layer(x), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("height", "width"), [(7, 7), (4, 7), (6, 3), (1, 1)])
def test_global_scope_is_a_local_one_that_reaches_everywhere(height, width):
    torch.manual_seed(0)
    local = LambdaLayer(8, k=3, h=2, u=2, m=13, bias=True).double().eval()
    everywhere = LambdaLayer(8, k=3, h=2, u=2, m="global", size=(7, 7), bias=True).double().eval()
    everywhere.load_state_dict(local.state_dict())
    x = torch.randn(2, 8, height, width, dtype=torch.float64)
    torch.testing.assert_close(everywhere(x), local(x))


def test_global_scope_refuses_a_larger_map_and_names_both_sizes():
    layer = LambdaLayer(8, k=2, h=2, m="global", size=(4, 6))
    assert layer(torch.zeros(1, 8, 4, 6)).shape == (1, 8, 4, 6)
    with pytest.raises(ValueError, match=r"5x6.*4x6"):
        layer(torch.zeros(1, 8, 5, 6))


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"h": 3}, "h=3"),
        ({"m": 4}, "m=4.*m=5"),
        ({"m": "global"}, "size"),
        ({"content": False, "position": False}, "one of them|most one"),
    ],
)
def test_what_cannot_be_built_is_refused(settings, says):
    with pytest.raises(ValueError, match=says):
        LambdaLayer(8, **settings)


@pytest.mark.parametrize("m", [5, "global"])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_autocast_stays_near_float32(m, dtype):
    torch.manual_seed(0)
    layer = LambdaLayer(16, k=4, h=4, u=2, m=m, size=8).eval()
    x = torch.randn(2, 16, 8, 8)
    with torch.autocast("cpu", dtype):
        low = layer(x)
    high = layer(x)
    scale = high.abs().max()
    # sums that could overflow stay in float32 under float16
    assert low.dtype == (torch.float32 if dtype == torch.float16 else dtype)
    assert (low.float() - high).abs().max() <= 16 * torch.finfo(dtype).eps * scale


def test_whole_network_in_low_precision():
    layer = LambdaLayer(16, k=4, h=4, m=5).to(torch.bfloat16).eval()
    assert layer(torch.randn(1, 16, 8, 8, dtype=torch.bfloat16)).dtype == torch.bfloat16


@pytest.mark.parametrize("m", [5, "global"])
def test_channels_last_gives_the_same(m):
    torch.manual_seed(0)
    layer = LambdaLayer(16, k=4, h=4, u=2, m=m, size=8).eval()
    x = torch.randn(2, 16, 8, 8)
    expected = layer(x)
    last = layer.to(memory_format=torch.channels_last)(x.to(memory_format=torch.channels_last))
    torch.testing.assert_close(last, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("m", [5, "global"])
def test_torch_export_gives_the_same(m):
    layer = LambdaLayer(16, k=4, h=4, u=2, m=m, size=8).eval()
    x = torch.randn(2, 16, 8, 8)
    exported = torch.export.export(layer, (x,)).module()
    torch.testing.assert_close(exported(x), layer(x))


@pytest.mark.slow
# inductor writes and compiles C++; that the layer is one graph, each backend shows
@pytest.mark.parametrize(
    ("m", "backend"),
    [(5, "aot_eager"), ("global", "aot_eager"), pytest.param(5, "inductor", marks=pytest.mark.slow)],
)
def test_torch_compile_gives_the_same(m, backend):
    layer = LambdaLayer(8, k=2, h=2, u=2, m=m, size=4).eval()
    x = torch.randn(1, 8, 4, 4)
    with torch.no_grad():
        compiled = torch.compile(layer, fullgraph=True, backend=backend)
        torch.testing.assert_close(compiled(x), layer(x), rtol=1e-4, atol=1e-5)


def test_meta_device_makes_shapes_without_memory():
    with torch.device("meta"):
        layer = LambdaLayer(64, k=16, h=4, m="global", size=56)
    assert layer(torch.empty(2, 64, 56, 56, device="meta")).shape == (2, 64, 56, 56)
