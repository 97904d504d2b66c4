"""What a front tells: members to show, the knee, the best, the published ones, verification."""

import pytest

from lambda_arch.arch import parse
from lambda_arch.searching import Front, search
from lambda_arch.searching.highlights import best, knee, place_published, spread
from lambda_arch.searching.member_checks import check_members
from lambda_arch.searching.space_file import space_of


@pytest.fixture(scope="module")
def front() -> Front:
    return search("ablation", minimize=["macs", "params"], maximize="top1", where="macs<=8G")


@pytest.mark.slow
def test_the_members_shown_hold_the_knee_and_the_best_of_each(front: Front) -> None:
    for wanted in (1, 2, 5, 20, 200):
        members = spread(front, wanted)
        assert len(members) == len(set(members)) == wanted
        assert members == sorted(members)
    assert {best(front), knee(front), *front.points.argmin(axis=0)} <= set(spread(front, 20))
    assert spread(front, 10**6) == list(range(len(front)))


def test_the_best_is_the_most_accurate_within_the_bounds(front: Front) -> None:
    values = [front.values(i) for i in range(len(front))]
    assert values[best(front)]["top1"] == max(value["top1"] for value in values)
    assert all(value["macs"] <= 8e9 for value in values)


def test_published_architectures_are_placed(front: Front) -> None:
    placed = place_published(front)
    width = front.points.shape[1]
    assert placed
    for each in placed:
        assert each.architecture.stem == "7x7"
        if each.by is not None:
            assert (front.points[each.by] <= each.totals[:width] + 1e-6).all()
    of = {str(each.architecture): each for each in placed}
    assert of["lambda_resnet50"].by is not None
    assert of["lambda_resnet50"].top1 == pytest.approx(78.4, abs=0.05)


def test_a_published_member_is_on_the_front() -> None:
    front = search("scaling")
    (placed,) = [p for p in place_published(front) if p.architecture == parse("lambda_resnet152_c4_all@256")]
    assert placed.by is None
    assert placed.member is not None
    assert front.architecture(placed.member) == placed.architecture


@pytest.mark.slow
def test_members_are_what_the_search_said_built_and_counted() -> None:
    space = space_of({"depth": 18, "image_size": 64, "stages": ["CCLL", "LLLL"], "k": [2, 4], "m": [3, 7]}, "small")
    front = search(space, minimize="macs,params", maximize="top1")
    checked = list(check_members(front, spread(front, 2)))
    assert len(checked) == 2
    assert all(each.agrees and each.seconds is None for each in checked)
    (wrong,) = check_members(front, [0])
    object.__setattr__(wrong, "said", {**wrong.said, "macs": wrong.said["macs"] + 1})
    assert not wrong.agrees
