"""Spaces: what a table says is what they hold, and what is wrong is named."""

import itertools
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from lambda_arch import count, search
from lambda_arch.arch import BLOCKS, STAGES, Block, Convolution, Lambda, ResNet, expand, parse
from lambda_arch.errors import DataError
from lambda_arch.searching.built_in_spaces import BUILT_IN
from lambda_arch.searching.space_file import read_space, space_of
from tests.searching.spaces import tables


def plain(table: dict[str, Any]) -> set[ResNet]:
    """Every architecture of a table, the slow way: all decisions there are, then each network from its own."""
    listed = {key: value if isinstance(value, list) else [value] for key, value in table.items() if key not in STAGES}
    depth = table["depth"]
    places = [(i, j) for i, n in enumerate(BLOCKS[depth]) for j in range(n)]
    decisions: dict[Any, list[Any]] = {}
    reads: dict[Any, dict[str, Any]] = {}
    per = table.get("per", "network")
    for place in places:
        i, j = place
        reads[place] = {}
        for key in ("layer", "k", "h", "u", "m", "se"):
            scope, values = per, listed.get(key)
            own = table.get(STAGES[i], {})
            if key in own:
                scope, values = own.get("per", "stage"), own[key]
            if key in own.get(str(j + 1), {}):
                scope, values = "own block", own[str(j + 1)][key]
            if values is None:
                continue
            where = {"network": (), "stage": (i,), "block": place, "own block": place}[scope]
            name = (key, id(values), where)
            decisions[name] = values
            reads[place][key] = name
    decisions["stages"] = listed.get("stages", [None])
    decisions["image_size"] = listed["image_size"]
    found = set()
    for values in itertools.product(*decisions.values()):
        chosen = dict(zip(decisions, values, strict=True))
        letters = expand(chosen["stages"], BLOCKS[depth]) if chosen["stages"] else None
        blocks: list[list[Block]] = [[] for _ in STAGES]
        for i, j in places:
            own = {key: chosen[name] for key, name in reads[i, j].items()}
            se = own.pop("se", 0.0)
            letter = own.pop("layer", "L")
            letter = letters[i][j] if letters else letter
            blocks[i].append(Block(Lambda(**own), se) if letter == "L" else Block(Convolution(), se))
        network = {key: table[key] for key in ("stride", "pool", "activation") if key in table}
        found.add(ResNet(depth, tuple(map(tuple, blocks)), image_size=chosen["image_size"], **network))
    return found


def decisions(table: dict[str, Any]) -> int:
    """About how many combinations a table has, from above."""
    total = len(table["image_size"]) * len(table.get("stages", [0]))
    for holder, times in [(table, {"network": 1, "stage": 4, "block": 8}[table["per"]])] + [
        (table[stage], {"stage": 1, "block": 2}[table[stage]["per"]]) for stage in STAGES if stage in table
    ]:
        for key in ("layer", "k", "h", "u", "m", "se"):
            total *= len(holder.get(key, [0])) ** times
        total *= len(holder.get("2", {}).get("k", [0])) if isinstance(holder.get("2"), dict) else 1
    return total


@settings(max_examples=40)
@given(tables())
def test_a_space_holds_what_its_table_says(table: dict[str, Any]) -> None:
    if decisions(table) > 3000:
        return
    held = list(space_of(table, "random").architectures())
    assert set(held) == plain(table)
    assert space_of(table, "random").size == len(held)


def test_no_product_holds_an_architecture_twice() -> None:
    for product in read_space("scaling").products:
        names = Counter(product.architecture([i]) for i in range(product.size))
        assert max(names.values()) == 1


@pytest.mark.parametrize(("name", "size"), [("ablation", 1.08e6), ("stages", 8.2e9), ("blocks", 4.5e39)])
def test_built_in_spaces_have_the_size_they_say(name: str, size: float) -> None:
    assert read_space(name).size == pytest.approx(size, rel=0.01)
    assert read_space(name).about


def test_the_scaling_space_holds_the_figures_hybrids() -> None:
    held = set(read_space("scaling").architectures())
    for name in ("lambda_resnet50_hybrid@160", "lambda_resnet152_hybrid@256", "lambda_resnet420_hybrid@320"):
        assert parse(name) in held


def test_ranges_are_spelt_out() -> None:
    table = {"image_size": {"from": 160, "to": 224, "step": 32}, "k": {"from": 4, "to": 20, "times": 2}}
    space = space_of(table, "ranges")
    assert [product.base.image_size for product in space.products] == [160, 192, 224]
    assert {a.stages[0][0].layer.k for a in space.architectures()} == {4, 8, 16}  # type: ignore[union-attr]


def test_a_union_puts_each_network_on_top_of_the_shared_keys() -> None:
    table = {"k": [8, 16], "c2": {"se": 0.25}, "network": [{"depth": 18}, {"depth": 26, "k": 4, "c2": {"h": 2}}]}
    found = sorted(map(str, space_of(table, "union").architectures()))
    assert found == [
        "lambda_resnet18:c2.se=0.25",
        "lambda_resnet18:k=8,c2.se=0.25",
        "lambda_resnet26:k=4,c2.h=2,c2.se=0.25",
    ]


WRONG = [
    ({"kk": [1]}, "kk: no such key (did you mean k?)"),
    ({"k": []}, "k=[]: expected at least one value"),
    ({"k": {"from": 8, "to": 4, "step": 1}}, "k: the range from 8 to 4 is empty"),
    ({"k": {"from": 8, "to": 16}}, "k={ from = 8, to = 16 }: expected from, to, and one of step and times"),
    ({"k": {"from": 8, "to": 16, "by": 2}}, "k.by: no such key"),
    ({"k": ["8"]}, 'k="8": expected a number'),
    ({"m": [4]}, "m=4: expected an odd scope"),
    ({"depth": 51}, "depth=51: expected one of"),
    ({"pool": "avg"}, "pool=avg: expected one of"),
    ({"shared_embeddings": True}, "shared_embeddings=yes: layers that share them do not cost a sum over blocks"),
    ({"k": [[8]]}, "k=[8]: expected a number, a text or true or false"),
    ({"base": 3}, "base=3: expected a name"),
    ({"base": "lambda_mobilnet"}, "lambda_mobilnet: no such architecture"),
    ({"base": "lambda_mobilenet", "stem": "rs"}, "stem=rs: no option of lambda_mobilenet"),
    ({"base": "lambda_mobilenet", "kk": 3}, "kk=3: no such option"),
    ({"base": "lambda_mobilenet", "h": [4, 3]}, "h=3: expected heads that divide"),
    (
        {"base": "mobilenet", "k": {"from": 1, "to": 9000, "step": 1}, "u": [1, 2, 3]},
        "k, u: 27,000 combinations; expected at most 20,000",
    ),
    ({"image_size": 16}, "image_size=16: expected a whole number from 32"),
    ({"stem": "8x8"}, "stem=8x8: expected one of"),
    ({"stages": ["CCXL"]}, "stages=CCXL: expected C"),
    ({"stages": "CCLL", "layer": ["C"]}, "layer: stages says which layers"),
    ({"layer": "X"}, "layer=X: expected C"),
    ({"h": [4, 3]}, "h=3: expected heads that divide the 64 channels of c2"),
    ({"content": False, "position": [True, False]}, "content=no,position=no"),
    ({"se": 2}, "se=2: expected"),
    ({"per": "layer"}, 'per="layer": expected one of network, stage, block'),
    ({"c4": {"depth": 50}}, "c4.depth: no such key"),
    ({"c4": {"9": {"k": 4}}}, "c4.9.k: expected a block of c4 from 1 to 6"),
    ({"c4": 3}, "c4=3: expected a table"),
    ({"c6": {"k": 3}}, "c6: no such key"),
    ({"about": 3}, "about=3: expected a text"),
    ({"network": 3}, "network: expected tables"),
    ({"k": list(range(1, 60)), "h": [1, 2, 4, 8], "u": list(range(1, 30)), "c4": {"m": [3, 7]}}, "k, h, u: more than"),
]


@pytest.mark.parametrize(("table", "message"), WRONG)
def test_what_is_wrong_is_named(table: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError) as error:
        space_of(table, "wrong")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_files_that_are_none_are_refused_by_name(tmp_path: Path) -> None:
    broken = tmp_path / "a.toml"
    for content in (b"k = [", b"\xff\xfe", b"kk = 3"):
        broken.write_bytes(content)
        with pytest.raises(DataError, match=r"a\.toml: "):
            read_space(str(broken))
    with pytest.raises(DataError, match=r"block: no such space.*did you mean blocks"):
        read_space("block")
    with pytest.raises(FileNotFoundError):
        read_space(str(tmp_path / "none.toml"))


def test_built_in_names() -> None:
    assert [read_space(name).name for name in BUILT_IN] == list(BUILT_IN)


def test_settings_of_the_network_may_be_lists_too() -> None:
    space = space_of({"depth": 18, "stride": [True, False], "activation": ["relu", "silu"]}, "networks")
    assert sorted(map(str, space.architectures())) == [
        "lambda_resnet18",
        "lambda_resnet18:activation=silu",
        "lambda_resnet18:stride=no",
        "lambda_resnet18:stride=no,activation=silu",
    ]


def test_a_space_of_a_base_lists_networks_of_any_family() -> None:
    table = {"base": "lambda_mobilenet", "layers": ["CCCCCCL-----C-", "CCCCCCLLLLLLLL", "CCCCCCCCCCCCCC"], "k": [2, 4]}
    space = space_of(table, "mobilenets")
    assert space.size == 5  # without a lambda layer there is no k
    front = search(space, minimize="params,macs")
    points = [(count(architecture).params, count(architecture).macs) for architecture in space.architectures()]
    best = {p for p in points if not any(q != p and q[0] <= p[0] and q[1] <= p[1] for q in points)}
    assert {tuple(point) for point in front.points} == best
    assert front.is_exact
    assert all(count(front.architecture(i)).macs == front.points[i][1] for i in range(len(front)))


def test_what_does_not_add_up_over_blocks_is_counted_network_by_network() -> None:
    table = {"base": "lambda_resnet18@64", "shared_embeddings": [True, False], "stages": ["CCLL", "CCGG"]}
    space = space_of(table, "shared")
    front = search(space, minimize=["params"])
    assert space.size == 3
    assert front.points.min() == min(count(architecture).params for architecture in space.architectures())
