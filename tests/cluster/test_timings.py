"""Latencies that are others' work, by a cluster that carries it out here."""

from contextlib import contextmanager

import pytest

from lambda_arch.cluster import timings
from lambda_arch.cluster.scheduling import Carried
from lambda_arch.comparing.speeds import measure_table


@pytest.fixture
def works(monkeypatch):
    """Carry out works one after another in this process; return them."""
    done = []

    @contextmanager
    def connected(cluster):
        yield None

    def carry_out(works, store, **how):
        done.extend(works)
        return Carried({work.key: work.run(store) for work in works})

    monkeypatch.setattr(timings, "connected", connected)
    monkeypatch.setattr(timings, "carry_out", carry_out)
    monkeypatch.setattr(timings, "latency_threads", lambda ray, cluster, threads: threads)
    return done


@pytest.mark.usefixtures("workers")
@pytest.mark.parametrize("name", ["hybrid_stages", "c4_lambda_count"])
def test_rows_of_a_table_are_compared_with_their_baselines_on_one_device(works, name, tmp_path, monkeypatch):
    monkeypatch.setattr(timings, "CO_RESIDENT", 4)
    found = timings.measure_table(name, threads=1, store=tmp_path / "there.db")
    here = measure_table(name, threads=1, store=tmp_path / "here.db")
    assert len(works) > 1
    assert [(row.keys, timing.baseline, timing.ratio.median) for row, timing in found.rows] == [
        (row.keys, timing.baseline, timing.ratio.median) for row, timing in here.rows
    ]
    assert {timing.measurement.setup.mode for _, timing in found.rows} == {found.table.mode}
