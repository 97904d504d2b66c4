"""The fused kernels against the convolution in float64: on a GPU, or on the CPU by Triton's interpreter."""

import os

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from lambda_arch.nn import LambdaLayer, build
from lambda_arch.nn.evaluation import convolution, fused
from lambda_arch.nn.evaluation.apply import apply_queries

INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
DEVICE = "cpu" if INTERPRETED else "cuda"
pytestmark = pytest.mark.skipif(
    not (fused.has_triton() and (INTERPRETED or torch.cuda.is_available())),
    reason="needs Triton, and a GPU or TRITON_INTERPRET=1",
)
TOLERANCE = {torch.float32: 1e-5, torch.bfloat16: 1e-2, torch.float16: 2e-3}


@pytest.fixture(autouse=True)
def poisoned():
    """Fill uninitialised memory with NaN, so that an element that no kernel writes is seen."""
    torch.use_deterministic_algorithms(True, warn_only=True)
    yield
    torch.use_deterministic_algorithms(False)


@pytest.fixture
def tiles(monkeypatch):
    """Return a function that leaves one of the tiles to tune: compiling all of them for every example takes minutes."""
    from lambda_arch.nn.evaluation import fused_backward_kernels as backward
    from lambda_arch.nn.evaluation.fused_forward_kernel import forward_kernel

    kernels = (forward_kernel, backward.values_kernel, backward.queries_kernel, backward.embeddings_kernel)
    every = [kernel.configs for kernel in kernels]

    def use(number):
        for kernel, configs in zip(kernels, every, strict=True):
            monkeypatch.setattr(kernel, "configs", [configs[number % len(configs)]])

    return use


def operands(seed, b, h, k, v, u, height, width, m):
    draw = torch.Generator().manual_seed(seed)
    shapes = ((b, h, k, height * width), (b, v, k), (b, v, u, height, width), (k, u, m, m))
    return [torch.randn(shape, generator=draw, dtype=torch.float64) for shape in shapes]


def outputs_and_gradients(function, tensors):
    leaves = [tensor.detach().requires_grad_() for tensor in tensors]
    outputs = function(*leaves)
    cotangent = torch.linspace(-1, 1, outputs.numel(), dtype=torch.float64).view(outputs.shape)
    gradients = torch.autograd.grad(outputs, leaves, cotangent.to(outputs))
    return [outputs.detach(), *gradients]


def exact(queries, shared, values, kernel):
    return apply_queries("product", queries, convolution.lambdas(values, kernel) + shared.unsqueeze(-1))


@settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(
    st.tuples(
        st.integers(0, 2**31),
        st.integers(1, 2),
        st.sampled_from([1, 2, 3, 4]),
        st.sampled_from([1, 3, 4, 16, 17]),
        st.integers(1, 5),
        st.integers(1, 3),
        st.integers(1, 7),
        st.integers(1, 20),
        st.sampled_from([1, 3, 5, 23, 39]),
    ),
    st.sampled_from(list(TOLERANCE)),
)
def test_outputs_and_gradients_are_those_of_the_convolution(tiles, sizes, dtype):
    tiles(sizes[0])
    tensors = [tensor.to(dtype) for tensor in operands(*sizes)]
    expected = outputs_and_gradients(exact, [tensor.double() for tensor in tensors])
    for ours, theirs in zip(
        outputs_and_gradients(fused.outputs, [tensor.to(DEVICE) for tensor in tensors]), expected, strict=True
    ):
        scale = max(1.0, float(theirs.abs().max()))
        torch.testing.assert_close(ours.cpu().double() / scale, theirs / scale, atol=TOLERANCE[dtype], rtol=0)


def test_torch_sees_operators():
    tensors = [tensor.float().to(DEVICE).requires_grad_() for tensor in operands(0, 1, 2, 4, 2, 1, 3, 5, 3)]
    torch.library.opcheck(torch.ops.lambda_arch.fused.default, tuple(tensors))
    queries, _, values, near = (tensor.detach() for tensor in tensors)
    gradient = torch.randn(1, 2, 2, 15, device=DEVICE)
    torch.library.opcheck(torch.ops.lambda_arch.fused_backward.default, (gradient, queries, values, near))


def test_no_tensor_of_the_size_of_lambdas_is_allocated():
    tensors = [tensor.float().to(DEVICE).requires_grad_() for tensor in operands(0, 2, 2, 16, 4, 1, 6, 20, 3)]
    largest = []

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            result = function(*args, **(kwargs or {}))
            largest.extend(t.numel() for t in tree_leaves(result) if isinstance(t, torch.Tensor))
            return result

    with Watch():
        fused.outputs(*tensors).sum().backward()
    of_lambdas = 2 * 4 * 16 * 6 * 20
    assert max(largest) < of_lambdas
    assert all(tensor.grad is not None for tensor in tensors)


def test_gradients_are_the_same_bits_again():
    tensors = [tensor.float().to(DEVICE) for tensor in operands(1, 2, 2, 4, 2, 1, 3, 18, 3)]
    first, second = (outputs_and_gradients(fused.outputs, tensors) for _ in range(2))
    assert all(a.equal(b) for a, b in zip(first, second, strict=True))


def test_every_number_of_heads_has_a_tile():
    from triton import Config

    from lambda_arch.nn.evaluation.fused_backward_kernels import in_registers

    tiles = [Config({"near": near}, num_warps=warps) for near in (16, 32) for warps in (4, 8)]
    for heads in (1, 2, 4, 8, 16, 32, 64):
        found = in_registers(tiles, {"padded_heads": heads})
        assert found and (len(found) == 4) == (heads <= 4)


def test_counters_see_its_multiply_accumulates():
    layer = LambdaLayer(8, k=4, h=2, m=3, size=4, evaluation="fused").to(DEVICE).eval()
    assert fused.available(layer.queries.weight)
    x = torch.zeros(2, 8, 4, 4, device=DEVICE)
    projections = sum(c.weight.numel() for c in (layer.queries, layer.keys, layer.values)) * 2 * 16
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        layer(x)
    at = layer.layer_shape(2)
    content = at.b * at.k * at.u * at.v * at.n
    apply = at.b * at.h * at.k * at.v * at.n
    assert counter.get_total_flops() // 2 == projections + content + fused.macs(at) + apply


def test_a_network_gives_the_canonical_logits():
    name = "lambda_resnet18:stages=CCCL,k=4,m=3,classes=3@32"
    canonical = build(name).eval()
    network = build(name, evaluation="fused").eval()
    network.load_state_dict(canonical.state_dict())
    x = torch.randn(1, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(network.to(DEVICE)(x.to(DEVICE)).cpu(), canonical(x), atol=1e-4, rtol=1e-4)
