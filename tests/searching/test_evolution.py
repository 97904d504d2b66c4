"""NSGA-II on whole networks: it improves, keeps bounds, and goes on from its file."""

import json
from itertools import pairwise
from pathlib import Path

import pytest

from lambda_arch.arch import ResNet
from lambda_arch.errors import DataError
from lambda_arch.searching.evolution import evolve
from lambda_arch.searching.exact import exact_front
from lambda_arch.searching.metrics import METRICS, column_metric, read_constraint
from lambda_arch.searching.optimization import Problem, make_problem
from lambda_arch.searching.space_file import space_of

SPACE = space_of({"depth": 18, "image_size": 64, "per": "block", "k": [2, 4, 8, 16], "m": [3, 7, 23]}, "small")


class Interactions:
    """An objective that does not follow from blocks: how unlike the neighbours are. Counts its calls."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, architecture: ResNet) -> float:
        self.calls += 1
        blocks = [block.layer for stage in architecture.stages for block in stage]
        return float(sum(a == b for a, b in pairwise(blocks)))


def asked(function: Interactions, *where: str) -> Problem:
    metrics = (METRICS["macs"], column_metric("alike", "min"))
    return make_problem(SPACE, metrics, [read_constraint(text) for text in where], functions={"alike": function})


def test_it_goes_on_from_its_file_as_if_it_had_never_stopped(tmp_path: Path) -> None:
    whole, part, rest = Interactions(), Interactions(), Interactions()
    through = evolve(asked(whole), evaluations=150, population=20)
    record = tmp_path / "record.jsonl"
    evolve(asked(part), evaluations=70, population=20, record=record)
    with record.open("a") as file:
        file.write('{"architecture": "lambda_res')  # cut off in the middle of a line
    after = evolve(asked(rest), evaluations=150, population=20, record=record)
    assert part.calls == 70
    assert rest.calls == 80
    assert after.points.tolist() == through.points.tolist()
    assert len(record.read_text().splitlines()) == 151
    again = Interactions()
    evolve(asked(again), evaluations=150, population=20, record=record)
    assert again.calls == 0


def test_it_improves_on_where_it_began() -> None:
    few = evolve(asked(Interactions()), evaluations=20, population=20)
    many = evolve(asked(Interactions()), evaluations=200, population=20)
    assert many.points[:, 0].min() < few.points[:, 0].min()
    assert not many.is_exact
    assert "no guarantee" in many.how


def test_it_finds_no_more_than_there_is() -> None:
    asked_for = make_problem(SPACE, (METRICS["macs"], METRICS["memory"]))
    exact, found = exact_front(asked_for), evolve(asked_for, evaluations=200, population=20)
    for point in found.points:
        assert (exact.points <= point).all(axis=1).any()


def test_members_keep_the_bounds() -> None:
    front = evolve(asked(Interactions(), "params<=9.95M"), evaluations=200, population=20)
    assert len(front)
    assert all(front.values(i)["params"] <= 9.95e6 for i in range(len(front)))


def test_the_file_of_another_search_is_refused(tmp_path: Path) -> None:
    record = tmp_path / "record.jsonl"
    evolve(asked(Interactions()), evaluations=10, population=10, record=record)
    with pytest.raises(DataError, match="seed was 0 there and is 1 now"):
        evolve(asked(Interactions()), evaluations=10, population=10, record=record, seed=1)
    record.write_text("not json\n")
    with pytest.raises(DataError, match=r"record\.jsonl: expected the file of an earlier search"):
        evolve(asked(Interactions()), evaluations=10, population=10, record=record)
    record.write_text(json.dumps(["a list"]) + "\n")
    with pytest.raises(DataError, match="expected the same search"):
        evolve(asked(Interactions()), evaluations=10, population=10, record=record)
