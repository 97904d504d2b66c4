"""Each comparison layer against loops over positions that do nothing clever, in double precision."""

import pytest
import torch
from torch.nn import functional as F

from lambda_arch.arch import ArchitectureError
from lambda_arch.nn import build
from lambda_arch.nn.attention import (
    AugmentedConvolution,
    AxialAttention,
    DoubleAttention,
    GlobalAttention,
    LocalAttention,
)

MAKERS = {
    "global": lambda: GlobalAttention(16, heads=4, size=6),
    "axial": lambda: AxialAttention(16, heads=4, size=6),
    "local": lambda: LocalAttention(16, heads=4, extent=3),
    "augmented": lambda: AugmentedConvolution(16, heads=2, key_dim=12, value_dim=4, size=6),
    "downsampled": lambda: AugmentedConvolution(16, heads=2, key_dim=12, value_dim=4, size=6, downsample=True),
    "double": lambda: DoubleAttention(16, reduction=4),
}


def make(name):
    torch.manual_seed(0)
    layer = MAKERS[name]().double()
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter, std=0.4)  # large enough for attention that is far from uniform
    return layer


def image(height=6, width=5, dim=16):
    return torch.randn(2, dim, height, width, dtype=torch.double, generator=torch.Generator().manual_seed(1))


def split(projection, x, heads):
    """(b, h, d, H, W) by one matrix product a position."""
    out = torch.einsum("oi,bihw->bohw", projection.weight[:, :, 0, 0], x)
    return out.unflatten(1, (heads, -1))


def attend_globally(part, q, k, v):
    b, h, d, height, width = q.shape
    out = torch.zeros_like(v)
    at_h, at_w = part.height, part.width
    for i in range(b):
        for j in range(h):
            for y in range(height):
                for x in range(width):
                    query = q[i, j, :, y, x]
                    logits = torch.stack(
                        [
                            query @ (k[i, j, :, y2, x2] + at_h.weight[y2 - y + at_h.limit - 1])
                            + query @ at_w.weight[x2 - x + at_w.limit - 1]
                            for y2 in range(height)
                            for x2 in range(width)
                        ]
                    )
                    weights = (logits / d**0.5).softmax(0)
                    out[i, j, :, y, x] = v[i, j].flatten(1) @ weights
    return out.flatten(1, 2)


def test_global_attention():
    layer, x = make("global"), image()
    q, k, v = (split(p, x, 4) for p in (layer.queries, layer.keys, layer.values))
    torch.testing.assert_close(layer(x), attend_globally(layer.attend, q, k, v))


def attend_along(part, x):
    """Attention within each line of the last axis of x (b, c, lines, length)."""
    q, k, v = (split(p, x, part.heads) for p in (part.queries, part.keys, part.values))
    b, h, _, lines, length = q.shape
    embeddings, limit = part.relative.weight, part.relative.limit
    out = torch.zeros_like(v)
    for i in range(b):
        for j in range(h):
            for line in range(lines):
                for o in range(length):
                    query = q[i, j, :, line, o]
                    logits = [
                        query @ k[i, j, :, line, p] + query @ embeddings[p - o + limit - 1] for p in range(length)
                    ]
                    out[i, j, :, line, o] = v[i, j, :, line] @ torch.stack(logits).softmax(0)
    return out.flatten(1, 2)


def test_axial_attention_is_height_then_width():
    layer, x = make("axial"), image()
    expected = attend_along(layer.width, attend_along(layer.height, x.transpose(2, 3)).transpose(2, 3))
    torch.testing.assert_close(layer(x), expected)


def test_local_attention():
    layer, x = make("local"), image()
    q, k, v = (split(p, x, 4) for p in (layer.queries, layer.keys, layer.values))
    b, h, d, height, width = q.shape
    r, half = layer.extent // 2, d // 2
    k, v = F.pad(k, (r, r, r, r)), F.pad(v, (r, r, r, r))
    out = torch.zeros_like(q)
    for i in range(b):
        for j in range(h):
            for y in range(height):
                for x0 in range(width):
                    query, logits, values = q[i, j, :, y, x0], [], []
                    for a in range(layer.extent):
                        for c in range(layer.extent):
                            embedding = torch.cat([layer.rows.weight[j, :, a], layer.columns.weight[j, :, c]])
                            logits.append(query @ (k[i, j, :, y + a, x0 + c] + embedding))
                            values.append(v[i, j, :, y + a, x0 + c])
                    assert len(embedding) == 2 * half
                    out[i, j, :, y, x0] = torch.stack(logits).softmax(0) @ torch.stack(values)
    torch.testing.assert_close(layer(x), out.flatten(1, 2))


@pytest.mark.parametrize("name", ["augmented", "downsampled"])
def test_augmented_convolution(name):
    layer, x = make(name), image(6, 6)
    seen = F.avg_pool2d(x, 3, 2, 1) if name == "downsampled" else x
    q, k, v = (split(p, seen, 2) for p in (layer.queries, layer.keys, layer.values))
    attended = torch.einsum("oi,bihw->bohw", layer.project.weight[:, :, 0, 0], attend_globally(layer.attend, q, k, v))
    if name == "downsampled":
        attended = F.interpolate(attended, size=(6, 6), mode="bilinear")
    expected = torch.cat([F.conv2d(x, layer.conv.weight, padding=1), attended], 1)
    torch.testing.assert_close(layer(x), expected)


def test_double_attention_by_its_dense_form():
    """Gathering and distributing is one n x n attention matrix: the same output, the products taken the other way."""
    layer, x = make("double"), image()
    flat = x.flatten(2)
    features, maps, vectors = (
        torch.einsum("oi,bin->bon", p.weight[:, :, 0, 0], flat) for p in (layer.features, layer.maps, layer.vectors)
    )
    dense = torch.einsum("brp,brn->bpn", maps.softmax(-1), vectors.softmax(1))  # from position p to position n
    assert torch.allclose(dense.sum(1), torch.ones(2, 30, dtype=torch.double))
    mixed = torch.einsum("bcp,bpn->bcn", features, dense)
    expected = flat + torch.einsum("oi,bin->bon", layer.expand.weight[:, :, 0, 0], mixed)
    torch.testing.assert_close(layer(x).flatten(2), expected)


@pytest.mark.parametrize("name", MAKERS)
def test_gradients_are_right_and_reach_every_parameter(name):
    layer, x = make(name), image(4, 3).requires_grad_()
    assert torch.autograd.gradcheck(layer, (x,), fast_mode=True)
    layer(x).square().sum().backward()
    for path, parameter in layer.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, path


@pytest.mark.parametrize("name", MAKERS)
def test_autocast_meta_and_any_layout(name):
    layer, x = make(name), image(6, 6)
    expected = layer(x)
    torch.testing.assert_close(layer(x.contiguous(memory_format=torch.channels_last)), expected)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        low = layer.float()(x.float())
    torch.testing.assert_close(low.double(), expected, rtol=0.1, atol=0.2)
    assert layer.to("meta")(x.float().to("meta")).shape == expected.shape


@pytest.mark.parametrize("name", ["global", "axial", "augmented"])
def test_maps_larger_than_built_for_are_refused(name):
    with pytest.raises(ValueError, match="expected an axis of at most 6 positions"):
        make(name)(image(6, 7))


@pytest.mark.parametrize("name", ["global", "axial", "augmented"])
def test_smaller_maps_use_the_same_offsets(name):
    """Built for 6 or built for 4 with the middle of its embeddings: the same layer on a 4 x 3 map."""
    large = make(name)
    state = {
        key: value[2:-2] if value.ndim == 2 else value for key, value in large.state_dict().items()
    }  # the relative embeddings are the only matrices
    small = {
        "global": lambda: GlobalAttention(16, heads=4, size=4),
        "axial": lambda: AxialAttention(16, heads=4, size=4),
        "augmented": lambda: AugmentedConvolution(16, heads=2, key_dim=12, value_dim=4, size=4),
    }[name]().double()
    small.load_state_dict(state)
    torch.testing.assert_close(small(image(4, 3)), large(image(4, 3)))


@pytest.mark.parametrize(
    ("maker", "message"),
    [
        (lambda: GlobalAttention(16, heads=3, size=4), "heads=3"),
        (lambda: AxialAttention(16, heads=16, size=4), "half the 16 channels"),
        (lambda: LocalAttention(16, heads=16), "half the 16 channels"),
        (lambda: LocalAttention(16, heads=2, extent=4), "odd spatial extent"),
        (lambda: AugmentedConvolution(16, heads=2, key_dim=3, value_dim=4, size=4), "key_dim=3"),
        (lambda: AugmentedConvolution(16, heads=2, key_dim=4, value_dim=16, size=4), "value_dim=16"),
        (lambda: DoubleAttention(16, reduction=3), "reduction=3"),
    ],
)
def test_what_cannot_be_built(maker, message):
    with pytest.raises(ValueError, match=message):
        maker()


@pytest.mark.slow
@pytest.mark.parametrize("pattern", ["GGGG", "XXXX", "SSSS", "AAAA", "DDDD"])
def test_networks_train_on_odd_maps(pattern):
    downsample = ",downsample=yes" if pattern == "AAAA" else ""
    network = build(f"resnet18:stages={pattern},classes=10{downsample}@36").train()  # maps of 9, 5, 3 and 2
    x = torch.randn(2, 3, 36, 36, generator=torch.Generator().manual_seed(2))
    loss = F.cross_entropy(network(x), torch.tensor([1, 2]))
    loss.backward()
    missing = [path for path, parameter in network.named_parameters() if parameter.grad is None]
    assert not missing and loss.isfinite()


def test_double_attention_comes_after_the_block_and_starts_as_the_identity():
    torch.manual_seed(0)
    network = build("resnet18:stages=CDCC@32").eval()
    plain = build("resnet18@32").eval()
    plain.load_state_dict({k: v for k, v in network.state_dict().items() if ".attention." not in k})
    x = torch.randn(1, 3, 32, 32)
    torch.testing.assert_close(network(x), plain(x))


def test_building_names_bad_values():
    with pytest.raises(ArchitectureError, match="heads=5"):
        build("resnet18:stages=GGGG,heads=5")


@pytest.mark.slow
@pytest.mark.parametrize("name", MAKERS)
def test_compiled_is_the_same(name):
    layer, x = make(name), image(6, 6)
    torch._dynamo.reset()
    compiled = torch.compile(layer, backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(compiled(x), layer(x))
