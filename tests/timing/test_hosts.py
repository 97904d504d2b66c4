import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_arch.arch import BLOCKS, Block, Lambda, ResNet, parse
from lambda_arch.timing.block_choices import block_choices
from lambda_arch.timing.hosts import hosts, occurrences, occurrences_of_choices

blocks = st.builds(
    Block,
    st.sampled_from([Block().layer, Lambda(), Lambda(k=8, m=7), Lambda(u=4, m=3)]),
    st.sampled_from([0.0, 0.25]),
)


@st.composite
def networks(draw, depth=50):
    return ResNet(
        depth,
        tuple(tuple(draw(blocks) for _ in range(n)) for n in BLOCKS[depth]),
        draw(st.sampled_from(["7x7", "rs"])),
        stride=draw(st.booleans()),
        pool=draw(st.sampled_from(["strided", "first", "2x2"])),
        activation=draw(st.sampled_from(["relu", "silu"])),
        classes=draw(st.sampled_from([10, 1000])),
        image_size=draw(st.sampled_from([64, 100])),
    )


@pytest.mark.slow
@given(st.lists(networks(), min_size=1, max_size=6))
def test_every_wanted_part_occurs_in_a_host(chosen):
    wanted = {each for network in chosen for each in occurrences(network)}
    there = {each for host in hosts(wanted) for each in occurrences(host)}
    assert wanted <= there


def test_hosts_are_as_few_as_the_first_blocks_need():
    base = parse("resnet50@64")
    wanted = occurrences_of_choices(base, block_choices(base, "k=8|16,m=7|23"))
    assert len(wanted) == 4 * 2 * 5 + 2  # five kinds of blocks, first or not, in four stages; stem and head
    assert len(hosts(wanted)) == 5


@pytest.mark.parametrize("name", ["lambda_mobilenet", "efficientnet_b0@32"])
def test_parts_of_other_families_are_timed_in_their_own_network(name):
    network = parse(name)
    assert hosts(occurrences(network)) == [network]
