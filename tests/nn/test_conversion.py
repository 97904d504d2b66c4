"""Weights in the layouts of five code bases: converted networks compute what those compute."""

import warnings

import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from torch import nn

import lambda_arch.nn
from lambda_arch.arch import parse
from lambda_arch.nn import LambdaLayer, load, to_safetensors
from lambda_arch.nn.conversion import LAYOUTS, convert
from tests.nn import foreign

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from lambda_networks import LambdaLayer as LucidrainsLayer


def mobilenet(pattern, **settings):
    settings = {"dim_k": 4, "r": 3, **settings}
    return foreign.LambdaMobileNet(pattern, lambda dim, dim_out: LucidrainsLayer(dim, dim_out=dim_out, **settings))


NETWORKS = {
    "d-li14": (foreign.d_li14, "lambda_resnet26:lambda_bias=yes,classes=10"),
    "d-li14, other settings": (
        lambda: foreign.d_li14(k=4, h=8, u=2, m=7), "lambda_resnet26:k=4,h=8,u=2,m=7,lambda_bias=yes,classes=10",
    ),
    "leaderj1001": (foreign.leaderj1001, "lambda_resnet18:pool=first,shortcut_bias=yes,classes=10"),
    "leaderj1001, other settings": (
        lambda: foreign.leaderj1001(k=8, h=2, m=5),
        "lambda_resnet18:pool=first,shortcut_bias=yes,classes=10,k=8,h=2,m=5",
    ),
    "leaderj1001, plain": (foreign.leaderj1001_plain, "resnet18:stride=no,shortcut_bias=yes,classes=10"),
    "lambda-mobilenets": (lambda: mobilenet("CCCCCCL-----C-"), "lambda_mobilenet:classes=10"),
    "lambda-mobilenets, other settings": (
        lambda: mobilenet("CLCCCCCC--L-CL", dim_k=8, heads=8, dim_u=2, r=5),
        "lambda_mobilenet:layers=CLCCCCCC--L-CL,k=8,h=8,u=2,m=5,classes=10",
    ),
    "timm": (lambda: foreign.TimmResNet("CC-CC-CL-LL", r=9), "timm_lambda_resnet26t:classes=10"),
    "timm, rpt": (lambda: foreign.TimmResNet("CC-CC-CL-LL", r=None), "timm_lambda_resnet26rpt_256:classes=10@32"),
    "timm, 50ts": (
        lambda: foreign.TimmResNet("CCC-CCCL-CLCLCL-CLC", r=9, silu=True), "timm_lambda_resnet50ts:classes=10"
    ),
    "lambda-mobilenets, plain": (lambda: mobilenet("C" * 14), "mobilenet:classes=10"),
}  # fmt: skip


def converted(folder, original, layout, **options):
    """Return the network that a checkpoint of ``original`` becomes, by way of both files."""
    torch.save(original.state_dict(), folder / "checkpoint.pth")
    conversion = convert(folder / "checkpoint.pth", layout, **options)
    assert not conversion.leftovers, str(conversion.leftovers)
    (folder / "network.safetensors").write_bytes(to_safetensors(conversion.module))
    return load(folder / "network.safetensors").eval()


def assert_same_outputs(ours, theirs, x):
    with torch.no_grad():
        expected, found = theirs(x), ours(x)
    assert expected.isfinite().all()
    assert expected.std() > 1e-4
    assert (found - expected).abs().max() <= 1e-5 * expected.abs().max()


@pytest.mark.slow
@pytest.mark.parametrize("case", NETWORKS)
def test_converted_networks_compute_the_same(case, tmp_path):
    make, name = NETWORKS[case]
    original = foreign.with_random_weights(make())
    ours = converted(tmp_path, original, case.partition(",")[0])
    # no tensor tells the image size
    assert str(ours.architecture) == str(parse(name))
    assert sum(p.numel() for p in ours.parameters()) == sum(p.numel() for p in original.parameters())
    assert {int(buffer) for key, buffer in ours.named_buffers() if key.endswith("tracked")} == {7}
    assert_same_outputs(ours, original, torch.randn(2, 3, 32, 32))


@hypothesis_settings(max_examples=12)
@given(
    dim=st.integers(1, 9), heads=st.integers(1, 4), v=st.integers(1, 3), k=st.integers(1, 5), u=st.integers(1, 4),
    scope=st.sampled_from([{"r": 1}, {"r": 5}, {"n": 5}]),
)  # fmt: skip
def test_lucidrains_layers_compute_the_same(tmp_path_factory, dim, heads, v, k, u, scope):
    arguments = {"dim": dim, "dim_k": k, "heads": heads, "dim_out": heads * v, "dim_u": u, **scope}
    original = foreign.with_random_weights(LucidrainsLayer(**arguments)).double()
    ours = converted(tmp_path_factory.mktemp("layer"), original, "lucidrains")
    assert ours.arguments == LambdaLayer.from_lucidrains(**arguments).arguments
    assert ours.values.weight.dtype == torch.float64
    assert_same_outputs(ours, original, torch.randn(2, dim, 5, 5, dtype=torch.float64) + 1)


def test_relative_embeddings_of_timm_tell_the_image_size(tmp_path):
    original = foreign.with_random_weights(foreign.TimmResNet("CC-CL-CL-LL", r=None, image_size=64))
    ours = converted(tmp_path, original, "timm")
    assert str(ours.architecture) == "lambda_resnet26:stages=C-CL-CL-L,stem=tiered,pool=2x2,classes=10,m=global@64"
    assert_same_outputs(ours, original, torch.randn(1, 3, 64, 64))


def test_lucidrains_arguments_make_a_layer_of_as_many_parameters():
    for arguments in ({"dim_k": 16, "r": 23}, {"dim_k": 16, "n": 64, "heads": 8, "dim_out": 64, "dim_u": 4}):
        ours, theirs = LambdaLayer.from_lucidrains(32, **arguments), LucidrainsLayer(32, **arguments)
        assert sum(p.numel() for p in ours.parameters()) == sum(p.numel() for p in theirs.parameters())
    with pytest.raises(ValueError, match="r, the scope of local"):
        LambdaLayer.from_lucidrains(32, dim_k=16)


def test_the_layer_by_its_letter():
    assert vars(lambda_arch.nn)["λLayer"] is LambdaLayer


@pytest.mark.parametrize("wrapper", ["state_dict", "model_state_dict", "model", "net"])
@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.module."])
def test_wrappers_and_prefixes_come_off(wrapper, prefix, tmp_path):
    layer = LucidrainsLayer(8, dim_k=2, r=3)
    state = {f"{prefix}{name}": tensor for name, tensor in layer.state_dict().items()}
    torch.save({wrapper: state, "epoch": 3, "optimizer": {"state": {}}}, tmp_path / "c.pth")
    assert not convert(tmp_path / "c.pth", "lucidrains").leftovers


def test_a_checkpoint_may_be_safetensors(tmp_path):
    from safetensors.torch import save_file

    layer = LucidrainsLayer(8, dim_k=2, r=3)
    save_file(layer.state_dict(), tmp_path / "c.safetensors")
    assert not convert(tmp_path / "c.safetensors", "lucidrains").leftovers


def test_every_tensor_that_is_left_over_is_named(tmp_path):
    state = foreign.d_li14().state_dict()
    del state["layer2.1.conv1.weight"], state["layer3.1.conv2.lambda_conv.bias"], state["bn1.num_batches_tracked"]
    state["layer4.1.extra"] = torch.zeros(2)
    state["fc.weight"][3, 3] = float("nan")
    state["bn1.weight"] = torch.ones(3)
    torch.save(state, tmp_path / "c.pth")
    conversion = convert(tmp_path / "c.pth", "d-li14")
    found = conversion.leftovers
    assert found.unmatched == ("layer4.1.extra",)
    assert found.missing == ("c3.2.reduce.conv.weight", "c4.2.spatial.lambdas.position.bias")
    assert found.misshapen == ("bn1.weight, 3 where stem.1.norm.weight is 64",)
    assert found.not_finite == ("fc.weight",)
    assert conversion.name == "lambda_resnet26:classes=10,lambda_bias=yes"


def test_a_lost_projection_is_missing_rather_than_another_architecture(tmp_path):
    state = foreign.d_li14().state_dict()
    del state["layer1.1.conv2.conv_qkv.weight"], state["layer2.0.conv2.lambda_conv.weight"]
    torch.save(state, tmp_path / "c.pth")
    found = convert(tmp_path / "c.pth", "d-li14").leftovers
    missing = {f"c2.2.spatial.lambdas.{name}.weight" for name in ("queries", "keys", "values")}
    assert missing < set(found.missing)
    assert "c3.1.spatial.lambdas.position.weight" in found.missing
    assert found.unmatched == ("layer2.0.conv2.conv_qkv.weight",)


def test_a_named_architecture_goes_before_what_the_tensors_tell(tmp_path):
    torch.save(foreign.leaderj1001().state_dict(), tmp_path / "c.pth")
    name = "lambda_resnet26:pool=first,shortcut_bias=yes,classes=10@96"
    conversion = convert(tmp_path / "c.pth", "leaderj1001", architecture=name)
    assert not conversion.leftovers
    assert conversion.name == name
    sized = convert(tmp_path / "c.pth", "leaderj1001", image_size=32)
    assert sized.name == "lambda_resnet18:pool=first,shortcut_bias=yes,classes=10@32"
    narrower = convert(tmp_path / "c.pth", "leaderj1001", architecture="lambda_resnet18:pool=first,classes=10")
    assert len(narrower.leftovers.unmatched) == 4  # the biases of its shortcuts


def test_what_no_layer_of_ours_computes_is_refused(tmp_path):
    torch.save(foreign.leaderj1001(u=2).state_dict(), tmp_path / "c.pth")
    with pytest.raises(ValueError, match=r"c2\.1\.spatial\.lambdas: u=2, where leaderj1001's code"):
        convert(tmp_path / "c.pth", "leaderj1001")


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("made_by", ["d-li14", "leaderj1001", "lambda-mobilenets", "timm", "nobody"])
def test_another_family_is_refused(layout, made_by, tmp_path):
    module = NETWORKS[made_by][0]() if made_by in NETWORKS else nn.Linear(2, 2)
    torch.save(module.state_dict(), tmp_path / "c.pth")
    if layout == made_by:
        assert not convert(tmp_path / "c.pth", layout).leftovers
        return
    hint = f"it looks like layout={made_by}" if made_by in LAYOUTS else "the first is weight$"
    with pytest.raises(ValueError, match=f"not a checkpoint of {layout}, .*{hint}"):
        convert(tmp_path / "c.pth", layout)


def test_a_network_of_like_names_is_left_over(tmp_path):
    """torchvision's bottlenecks are named as d-li14's, but hold no lambda layers."""
    state = foreign.leaderj1001_plain().state_dict()
    torch.save({name.replace("shortcut", "downsample"): each for name, each in state.items()}, tmp_path / "c.pth")
    assert "layer1.0.conv2.weight" in convert(tmp_path / "c.pth", "d-li14").leftovers.unmatched


def test_lost_batch_counts_start_from_zero(tmp_path):
    state = LucidrainsLayer(8, dim_k=2, r=3).state_dict()
    torch.save({name: value for name, value in state.items() if "tracked" not in name}, tmp_path / "c.pth")
    conversion = convert(tmp_path / "c.pth", "lucidrains")
    assert not conversion.leftovers
    assert int(conversion.module.query_norm.num_batches_tracked) == 0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([torch.zeros(2)], "expected a state dict"),
        ({}, "expected a state dict"),
        ({"state_dict": {}}, "expected a state dict"),
        ({"epoch": 3, "weights": torch.zeros(2)}, "epoch is none"),
        ({3: torch.zeros(2)}, "3 is none"),
    ],
)
def test_what_is_no_state_dict_is_refused(content, message, tmp_path):
    torch.save(content, tmp_path / "c.pth")
    with pytest.raises(ValueError, match=message):
        convert(tmp_path / "c.pth", "d-li14")


@hypothesis_settings(max_examples=40)
@given(st.data())
def test_damaged_files_give_one_clear_error(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("damaged")
    layer = LucidrainsLayer(4, dim_k=2, r=3, heads=2)
    form = data.draw(st.sampled_from(["zip", "legacy", "safetensors"]))
    path = folder / ("c.safetensors" if form == "safetensors" else "c.pth")
    if form == "safetensors":
        from safetensors.torch import save_file

        save_file(layer.state_dict(), path)
    else:
        torch.save(layer.state_dict(), path, _use_new_zipfile_serialization=form == "zip")
    content = bytearray(path.read_bytes())
    cut = data.draw(st.integers(0, len(content) - 1))
    path.write_bytes(content[:cut])
    with pytest.raises(ValueError, match=r"^[^\n]*c\.(pth|safetensors): "):
        convert(path, "lucidrains")


RAN = []


class Nasty:
    def __reduce__(self):
        return run_me, ()


def run_me():
    RAN.append(1)


@pytest.mark.parametrize("zipped", [True, False])
def test_code_in_a_checkpoint_is_not_run(zipped, tmp_path):
    path = tmp_path / "c.pth"
    torch.save({"a": Nasty()}, path, _use_new_zipfile_serialization=zipped)
    RAN.clear()
    torch.load(path, weights_only=False)
    assert RAN  # it would
    RAN.clear()
    with pytest.raises(ValueError, match=r"c\.pth: holds a Python object, .*run_me"):
        convert(path, "d-li14")
    assert not RAN


def test_unknown_layouts_are_refused(tmp_path):
    with pytest.raises(ValueError, match="torchvision: no such layout; expected one of d-li14"):
        convert(tmp_path / "c.pth", "torchvision")
