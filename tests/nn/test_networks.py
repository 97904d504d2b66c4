import io

import pytest
import torch
from torch import nn

from lambda_arch.arch import configure, parse, read_settings
from lambda_arch.nn import LambdaLayer, build
from lambda_arch.nn.resnet import Bottleneck


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "resnet18",
        *(f"resnet18:stages={4 * letter},heads=4" for letter in "GXSA"),
        "resnet18:stages=DDDD,reduction=4",
        "lambda_resnet18",
        "lambda_resnet18:m=global,shared_embeddings=yes",
        "lambda_resnet18:stages=CCLL,stem=rs,pool=first,shortcut_bias=yes,c2.se=0.25",
        "lambda_resnet26:stages=C-C-CL-L,stem=tiered,pool=2x2,activation=silu,lambda_bias=yes,m=9",
        "lambda_resnet18:stem=deep,stride=no,key_norm=l2,query_softmax=yes,batch_norm=no",
        "lambda_resnet50_hybrid",
        pytest.param("lambda_resnet101_hybrid", marks=pytest.mark.slow),
    ],
)
def test_forward_backward_and_state_dict(name):
    architecture = configure(parse(name), read_settings("classes=10"), 32)
    torch.manual_seed(0)
    network = build(architecture)
    x = torch.randn(2, 3, 32, 32)
    logits = network(x)
    assert logits.shape == (2, 10)
    logits.square().sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())
    assert all(parameter.grad.isfinite().all() for parameter in network.parameters())

    file = io.BytesIO()
    torch.save(network.state_dict(), file)
    file.seek(0)
    twin = build(architecture)
    twin.load_state_dict(torch.load(file, weights_only=True))
    torch.testing.assert_close(twin.eval()(x), network.eval()(x))


def test_build_takes_names_devices_and_dtypes():
    network = build("lambda_resnet18:classes=10@32", device="meta", dtype=torch.bfloat16)
    assert {parameter.device.type for parameter in network.parameters()} == {"meta"}
    assert {parameter.dtype for parameter in network.parameters()} == {torch.bfloat16}


@pytest.mark.parametrize(
    ("name", "image_size"),
    [
        ("lambda_resnet18", 64),
        ("resnet18:stem=deep", 97),
        ("lambda_resnet18:stem=rs,m=global", 33),
        ("resnet18:stride=no", 35),
    ],
)
def test_maps_are_those_of_the_walk(name, image_size):
    network = build(parse(f"{name}@{image_size}"), device="meta")
    found = {}
    for part in network.architecture.parts():
        network.get_submodule(part.path).register_forward_hook(
            lambda module, inputs, output, path=part.path: found.update({path: (inputs[0].shape, output.shape)})
        )
    network(torch.empty(1, 3, image_size, image_size, device="meta"))
    for part in network.architecture.parts():
        seen, made = found[part.path]
        assert tuple(seen) == (1, part.dim, part.size, part.size)
        assert tuple(made) == ((1, 1000) if part.path == "head" else (1, part.dim_out, part.size_out, part.size_out))


def test_lambda_blocks_stride_by_average_pooling_after_the_layer():
    network = build("lambda_resnet50", device="meta")
    first, second = network.c3.get_submodule("1"), network.c3.get_submodule("2")
    names = [name for name, _ in first.spatial.named_children()]
    assert names == ["lambdas", "pool", "norm", "relu"]
    pool = first.spatial.get_submodule("pool")
    assert (pool.kernel_size, pool.stride, pool.padding) == (3, 2, 1)
    assert "pool" not in dict(second.spatial.named_children())


def test_a_2x2_pool_where_the_architecture_says():
    network = build("lambda_resnet26:pool=2x2", device="meta")
    pools = {name: module for name, module in network.named_modules() if isinstance(module, nn.AvgPool2d)}
    assert set(pools) == {f"c{stage}.1.spatial.pool" for stage in (3, 4, 5)}
    assert {(pool.kernel_size, pool.stride, pool.padding) for pool in pools.values()} == {(2, 2, 0)}


@pytest.mark.parametrize(("activation", "kind", "other"), [("relu", nn.ReLU, nn.SiLU), ("silu", nn.SiLU, nn.ReLU)])
@pytest.mark.parametrize("stem", ["7x7", "rs", "tiered"])
def test_the_activation_is_everywhere(stem, activation, kind, other):
    network = build(f"lambda_resnet26:stages=CCLL,stem={stem},activation={activation}", device="meta")
    modules = list(network.modules())
    assert sum(isinstance(module, kind) for module in modules) == 8 * 3 + {"7x7": 1, "rs": 4, "tiered": 3}[stem]
    assert not any(isinstance(module, other) for module in modules)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lambda_resnet26t", "lambda_resnet26rpt_256", "lambda_resnet50ts"])
def test_timms_networks_train(name):
    torch.manual_seed(0)
    network = build(f"timm_{name}:classes=3@64")
    loss = nn.functional.cross_entropy(network(torch.randn(2, 3, 64, 64)), torch.tensor([0, 2]))
    loss.backward()
    gradients = [parameter.grad for parameter in network.parameters()]
    assert all(gradient is not None and gradient.isfinite().all() for gradient in gradients)


def test_squeeze_excitation_is_where_the_architecture_says():
    network = build("lambda_resnet50_hybrid", device="meta")
    with_se = [
        name for name, module in network.named_modules() if isinstance(module, Bottleneck) and module.se is not None
    ]
    assert with_se == [*(f"c2.{i}" for i in (1, 2, 3)), *(f"c3.{i}" for i in (1, 2, 3, 4))]


def test_blocks_start_as_their_shortcuts():
    torch.manual_seed(0)
    block = build("lambda_resnet18@32").c2.get_submodule("2").eval()
    x = torch.randn(1, 256, 8, 8)
    torch.testing.assert_close(block(x), torch.relu(x))


def test_everything_that_holds_state_is_a_module():
    network = build("lambda_resnet18:m=global,shortcut_bias=yes,lambda_bias=yes,se=0.25@64", device="meta")
    leaves = [module for module in network.modules() if next(module.children(), None) is None]
    assert sum(p.numel() for leaf in leaves for p in leaf.parameters()) == sum(p.numel() for p in network.parameters())
    assert {buffer.rpartition(".")[2] for buffer, _ in network.named_buffers()} == {
        "running_mean", "running_var", "num_batches_tracked",
    }  # fmt: skip


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_autocast_and_channels_last_on_a_network(dtype):
    network = build("lambda_resnet18:classes=10@32").eval().to(memory_format=torch.channels_last)
    x = torch.randn(2, 3, 32, 32).to(memory_format=torch.channels_last)
    with torch.autocast("cpu", dtype), torch.no_grad():
        assert network(x).isfinite().all()


@pytest.mark.slow
def test_torch_export_on_a_network():
    network = build("lambda_resnet18:classes=10@32").eval()
    x = torch.randn(2, 3, 32, 32)
    torch.testing.assert_close(torch.export.export(network, (x,)).module()(x), network(x))


@pytest.mark.slow
def test_torch_compile_captures_a_network_whole():
    network = build("lambda_resnet18:classes=10,k=4,m=7@32").eval()
    x = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        captured = torch.compile(network, backend="eager", fullgraph=True)
        torch.testing.assert_close(captured(x), network(x), rtol=1e-3, atol=1e-4)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_gives_what_the_cpu_gives():
    torch.manual_seed(0)
    network = build("lambda_resnet18:classes=10@32").double().eval()
    x = torch.randn(2, 3, 32, 32, dtype=torch.float64)
    expected = network(x)
    torch.testing.assert_close(network.cuda()(x.cuda()).cpu(), expected)


def test_gradients_reach_the_image():
    network = build("lambda_resnet18:classes=10@32").double()
    for block in network.modules():  # away from the zero at which every block starts
        if isinstance(block, nn.BatchNorm2d):
            nn.init.uniform_(block.weight, 0.5, 1.5)
    x = torch.randn(2, 3, 32, 32, dtype=torch.float64, requires_grad=True)
    network(x)[:, 3].sum().backward()
    assert x.grad.abs().sum() > 0


def test_shared_embeddings_are_one_parameter_a_stage():
    torch.manual_seed(0)
    network = build("lambda_resnet18:shared_embeddings=yes,classes=10@32")
    layers = [module for module in network.modules() if isinstance(module, LambdaLayer)]
    assert len({id(layer.position.weight) for layer in layers}) == 4
    alone = build("lambda_resnet18:classes=10@32")
    saved = sum(layer.position.weight.numel() for layer in layers) // 2
    assert sum(p.numel() for p in alone.parameters()) - sum(p.numel() for p in network.parameters()) == saved
    alone.load_state_dict(network.state_dict())
    x = torch.randn(2, 3, 32, 32)
    torch.testing.assert_close(alone.eval()(x), network.eval()(x))


def test_shared_global_embeddings_serve_the_smaller_maps_of_a_stage():
    network = build("lambda_resnet18:m=global,shared_embeddings=yes,classes=10@64").eval()
    assert network(torch.randn(1, 3, 64, 64)).shape == (1, 10)
    first, second = (network.get_submodule(f"c3.{i}.spatial.lambdas.position") for i in (1, 2))
    assert first.weight is second.weight
    assert first.size == second.size == (16, 16)
