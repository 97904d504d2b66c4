"""Small random spaces, for hypothesis."""

from typing import Any

import hypothesis.strategies as st

from lambda_arch.searching.search_space import Space
from lambda_arch.searching.space_file import space_of

LISTS = {
    "k": st.lists(st.sampled_from([1, 4, 16, 32]), min_size=1, max_size=2, unique=True),
    "h": st.lists(st.sampled_from([1, 4, 16]), min_size=1, max_size=2, unique=True),
    "u": st.lists(st.sampled_from([1, 2, 4]), min_size=1, max_size=2, unique=True),
    "m": st.lists(st.sampled_from([3, 7, 23, "global"]), min_size=1, max_size=2, unique=True),
    "se": st.lists(st.sampled_from([0, 0.25]), min_size=1, max_size=2, unique=True),
    "layer": st.lists(st.sampled_from(["C", "L"]), min_size=1, max_size=2, unique=True),
}


@st.composite
def tables(draw: st.DrawFn) -> dict[str, Any]:
    """Tables of spaces of networks of 8 blocks: lists for the network, stages and blocks."""
    table: dict[str, Any] = {
        "depth": 18,
        "image_size": draw(st.lists(st.sampled_from([32, 48, 65]), min_size=1, max_size=2, unique=True)),
    }
    table |= draw(
        st.sampled_from([{}, {}, {"stride": False}, {"pool": "first"}, {"pool": "2x2", "activation": "silu"}])
    )
    table["per"] = draw(st.sampled_from(["network", "stage", "block"]))
    for key in draw(st.lists(st.sampled_from(sorted(LISTS)), max_size=3, unique=True)):
        table[key] = draw(LISTS[key])
    if "layer" not in table and draw(st.booleans()):
        table["stages"] = draw(st.lists(st.text("CL", min_size=4, max_size=4), min_size=1, max_size=3, unique=True))
    for stage in draw(st.lists(st.sampled_from(["c2", "c4", "c5"]), max_size=2, unique=True)):
        own: dict[str, Any] = {"per": draw(st.sampled_from(["stage", "block"]))}
        key = draw(st.sampled_from(["k", "h", "u", "se"]))
        own[key] = draw(LISTS[key])
        if draw(st.booleans()):
            own["2"] = {"k": draw(LISTS["k"])}
        table[stage] = own
    return table


def small_spaces(largest: int) -> st.SearchStrategy[Space]:
    return tables().map(lambda table: space_of(table, "random")).filter(lambda space: space.size <= largest)
