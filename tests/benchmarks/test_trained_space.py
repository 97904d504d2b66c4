"""The table of real trainings: whole, with the costs that we count, and made again from where it is."""

from types import SimpleNamespace

import pytest

from benchmarks import trained_space
from lambda_arch import count


def test_the_table_has_every_network_with_its_costs() -> None:
    rows = trained_space.read_table()
    assert {row["architecture"] for row in rows} == {str(each) for each in trained_space.space().architectures()}
    for row in rows[::12]:
        costs = count(row["architecture"])
        assert (int(row["params"]), int(row["macs"])) == (costs.params, costs.macs)


def test_only_what_is_missing_is_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def train(architecture, data, recipe, *, seed, epochs, **_):
        asked.append((str(architecture), seed))
        history = [SimpleNamespace(top1=10.0 * i) for i in range(epochs)]
        return [SimpleNamespace(status="finished", architecture=str(architecture), epochs=history, device="a device")]

    monkeypatch.setattr(trained_space, "train", train)
    monkeypatch.setattr(trained_space, "data", lambda: None)
    rows = trained_space.read_table()
    found = list(trained_space.train_missing(rows[2:], [0]))
    assert sorted(asked) == sorted((row["architecture"], 0) for row in rows[:2])
    assert all(tuple(row) == trained_space.COLUMNS and row["top1"] == "30.0" for row in found)
