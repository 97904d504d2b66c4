import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambda_arch.arch import BLOCKS, Block, Lambda, ResNet, parse
from lambda_arch.errors import SetupError
from lambda_arch.store import Setup, Store, Summary
from lambda_arch.timing import Limits
from lambda_arch.timing.block_space import block_choices, random_networks
from lambda_arch.timing.blocks import Calibration, block_latencies, hosts, parts, space_parts, with_blocks

blocks = st.builds(
    Block,
    st.sampled_from([Block().layer, Lambda(), Lambda(k=8, m=7), Lambda(u=4, m=3)]),
    st.sampled_from([0.0, 0.25]),
)


@st.composite
def networks(draw, depth=50):
    stages = tuple(tuple(draw(blocks) for _ in range(n)) for n in BLOCKS[depth])
    size, stem = draw(st.sampled_from([64, 100])), draw(st.sampled_from(["7x7", "rs"]))
    return ResNet(depth, stages, stem, classes=draw(st.sampled_from([10, 1000])), image_size=size)


@settings(deadline=None, max_examples=20)
@given(networks())
def test_parts_are_the_built_networks_parts(network):
    from lambda_arch.nn import build
    from lambda_arch.timing.worker.part_timer import part_modules

    places = [part.label.split()[0].partition(".")[0] for part in parts(network)]
    modules = [name.partition(".")[0] for name, _ in part_modules(build(network, device="meta"))]
    assert places == modules


@given(st.lists(networks(), min_size=1, max_size=6))
def test_every_wanted_part_occurs_in_a_host(chosen):
    wanted = {part for network in chosen for part in parts(network)}
    there = {part for host in hosts(list(wanted)) for part in parts(host)}
    assert wanted <= there


def test_hosts_are_as_few_as_the_first_blocks_need():
    base = parse("resnet50@64")
    wanted = space_parts(base, block_choices(base, "k=8|16,m=7|23"))
    assert len(wanted) == 4 * 2 * 5 + 2  # five kinds of blocks, first or not, in four stages; stem and head
    assert len(hosts(wanted)) == 5


def test_keys_are_what_latency_can_depend_on():
    def at(name, place):
        return parts(parse(name))[place].key

    assert at("resnet50", 2) == at("resnet50", 3)  # c2.2 and c2.3
    assert at("resnet50", 1) != at("resnet50", 2)  # the first has a shortcut convolution
    assert at("resnet50", 2) != at("resnet50@256", 2)
    assert at("lambda_resnet50", 2) != at("lambda_resnet50:k=8", 2)
    assert at("resnet50", 2) == at("lambda_resnet50:stages=CLLL", 2)
    assert at("resnet50", 2) != at("resnet50:se=0.25", 2)


def test_choices_of_blocks_are_read_and_refused():
    base = parse("lambda_resnet50")
    found = block_choices(base, "k=8|16, m=7|global")
    assert found[0] == Block()
    assert {(b.layer.k, b.layer.m) for b in found[1:]} == {(8, 7), (8, "global"), (16, 7), (16, "global")}
    for text, words in {
        "kk=8": "expected choices",
        "k=x": "whole number",
        "k": "expected choices",
        "m=8": "odd",
    }.items():
        with pytest.raises(ValueError, match=words):
            block_choices(base, text)


def test_random_networks_repeat_with_their_seed():
    base = parse("resnet50")
    choices = block_choices(base, "m=7|23")
    first, again, other = (list(random_networks(base, choices, 5, seed)) for seed in (1, 1, 2))
    assert first == again != other
    assert len(first) == 5


@given(networks())
def test_a_network_is_predicted_as_the_sum_of_its_parts(network):
    from lambda_arch.timing.blocks import BlockLatencies

    seconds = {part.key: float(i + 1) for i, part in enumerate(dict.fromkeys(parts(network)))}
    latencies = BlockLatencies(Setup(threads=1), "f", {k: Summary(v, v, v, 1) for k, v in seconds.items()})
    assert latencies.network(network) == sum(seconds[part.key] for part in parts(network))
    by_hand = latencies.stem(network.stem, network.image_size)
    size = (network.image_size + 3) // 4
    for i, stage in enumerate(network.stages):
        for j, block in enumerate(stage):
            by_hand += latencies(i, j == 0, block, size)
            size = (size + 1) // 2 if i and j == 0 else size
    assert latencies.network(network) == by_hand + latencies.head(network.classes, size)
    assert latencies.missing(network) == []


def test_calibrated_in_place_resumed_and_added_up(tmp_path):
    setup = Setup(threads=1)
    network = parse("lambda_resnet18:stages=CLLC,m=3@32")
    limits = Limits(seconds=0.3, turn=0.1, warmup=0.3)
    with Store(tmp_path / "s.db") as store:
        assert len(block_latencies(store, setup).missing(network)) == len(set(parts(network)))
        first = Calibration(store, setup, parts(network), limits)
        assert list(first.events())
        latencies = block_latencies(store, setup)
        assert latencies.missing(network) == []
        assert latencies.network(network) > 0
        assert all(summary.median > 0 for summary in latencies.by_key.values())
        assert Calibration(store, setup, parts(network), limits).hosts == []
        more = Calibration(store, setup, parts(parse("resnet18@32")), limits)
        assert 0 < len(more.todo) < len(more.wanted)
        assert len(Calibration(store, setup, parts(network), limits, fresh=True).todo) == len(first.todo)
        assert block_latencies(store, Setup(batch_size=2, threads=1)).by_key == {}


def test_compiled_networks_have_no_parts(tmp_path):
    with Store(tmp_path / "s.db") as store, pytest.raises(SetupError, match="compile=False"):
        Calibration(store, Setup(compile=True, threads=1), [])


@pytest.mark.parametrize("option", ["stride=no", "pool=first", "pool=2x2", "activation=silu"])
def test_networks_whose_blocks_are_not_told_by_their_sizes_are_refused(option):
    with pytest.raises(SetupError, match=f"{option}: expected the usual strides, pools and activation"):
        with_blocks([parse(f"lambda_resnet50:{option}")])
