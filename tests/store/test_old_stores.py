"""A store that an older version wrote: every measurement is found again under the new keys."""

import json
import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lambda_arch.arch import Bottleneck, Stem, parse
from lambda_arch.store import Case, Setup, Status, Store, find_measurements, merge
from lambda_arch.store.choices import read_choice
from lambda_arch.store.measurements import find_finished, find_largest_batch_size
from lambda_arch.store.old_keys import part_key as migrated
from lambda_arch.store.parts import part_key, read_parts
from lambda_arch.store.peaks import read_peaks
from lambda_arch.timing import Limits, block_latencies, calibrate, calibration
from lambda_arch.timing.measuring import Schedule

FIXTURE = Path(__file__).parent / "fixtures" / "schema_5.db"
SETUP = Setup(threads=1)
SMALL = ["resnet18@32", "lambda_resnet18:m=3@32"]
CALIBRATED = [
    *SMALL,
    "lambda_resnet50:m=global,key_norm=l2,batch_norm=no,se=0.25,stem=deep,classes=10@32",
    "resnet50:stages=GXSD,extent=5@32",
    "resnet50:stages=AACC,se=0.0625@64",
    "lambda_resnet50:content=no,lambda_bias=yes@32",
    "lambda_resnet50:position=no,query_softmax=yes@32",
]


def old_rows(sql):
    connection = sqlite3.connect(f"file:{FIXTURE}?mode=ro&immutable=1", uri=True)
    connection.row_factory = sqlite3.Row
    rows = [dict(row) for row in connection.execute(sql)]
    connection.close()
    return rows


FINGERPRINT = old_rows("SELECT fingerprint FROM machine")[0]["fingerprint"]


@pytest.fixture
def store(tmp_path, monkeypatch):
    """A copy of the old store, opened on the machine that wrote it."""
    monkeypatch.setattr(calibration, "fingerprint_of", lambda store, device: FINGERPRINT)
    shutil.copy(FIXTURE, tmp_path / "s.db")
    with Store(tmp_path / "s.db") as opened:
        yield opened


def test_every_measurement_is_there_under_its_new_key(store):
    rows = old_rows("SELECT * FROM measurement")
    found = {m.uid: m for m in find_measurements(store)}
    assert found.keys() == {row["uid"] for row in rows}
    for row in rows:
        m = found[row["uid"]]
        assert (m.session, m.architecture, m.status) == (row["turns"], row["architecture"], row["status"])
        assert m.setup.batch_size == row["batch"]
        assert (m.setup.runtime, m.setup.runtime_version) == ("torch", "")
        if row["median"] is not None:
            assert m.summary.median == row["median"]
            assert len(m.samples) == row["samples"]
        assert m.key == Case(parse(m.architecture), m.setup).key(m.fingerprint)
    assert {m.status for m in found.values()} == set(Status) - {Status.FAILED}


def scheduled(store, *cases, baselines=(), limits=None):
    """Return what there is of the cases, and the jobs that are left."""
    schedule = Schedule(store, FINGERPRINT, limits or Limits(seconds=0.1))
    planned = next(schedule.run(cases, baselines))
    return [timing.measurement for timing in schedule.timings()], planned.jobs


def test_what_was_timed_is_not_timed_again(store):
    small, lambdas = map(parse, SMALL)
    for setup in (SETUP, Setup(threads=1, mode="train", batch_size=2)):
        (base, ours), left = scheduled(store, Case(small, setup), Case(lambdas, setup), baselines=[small])
        assert left == ()
        assert ours.ratio_to(base).samples >= 3
    others = [
        Case(lambdas, Setup(threads=1, evaluation="matrix/sum")),
        Case(lambdas, Setup(threads=1, dtype="bf16")),
        Case(small, Setup(threads=1, clock="cpu", batch_size=50_000)),
        Case(parse("resnet18@2000"), Setup(threads=1, batch_size=5)),
    ]
    found, left = scheduled(store, *others, limits=Limits(seconds=0.1, memory=400_000_000))
    assert left == ()
    assert [m.status for m in found] == ["ok", "ok", "oom", "oom"]
    unfinished = Case(small, Setup(threads=1, batch_size=7))
    assert find_finished(store, unfinished.key(FINGERPRINT)) is None
    assert scheduled(store, Case(lambdas, Setup(threads=1, evaluation="auto")))[1]
    assert find_largest_batch_size(store, Case(small, SETUP, auto=True), FINGERPRINT, 350_000_000) == 896


def test_what_was_calibrated_predicts(store, monkeypatch):
    monkeypatch.setattr("lambda_arch.store.warnings.FEWEST_SAMPLES", 1)
    for name in CALIBRATED:
        planned = []
        calibrate(name, threads=1, spread=100, store=store, progress=planned.append)
        assert [event.jobs for event in planned] == [()], name
        assert block_latencies(store, SETUP).missing(parse(name)) == []
    newest = {row["part"]: row["seconds"] for row in old_rows("SELECT * FROM part ORDER BY started")}
    latencies = {migrated(old): seconds for old, seconds in newest.items()}
    assert {key: part.summary.median for key, part in read_parts(store, FINGERPRINT, SETUP).items()} == latencies
    network = parse(SMALL[0])
    assert block_latencies(store, SETUP).network(network) == sum(latencies[part_key(part)] for part in network.parts())


def test_peaks_and_choices_are_found(store):
    assert {kind for _, kind, _ in read_peaks(store)} == {"fp32", "bf16", "fp16", "copy"}
    for row in old_rows("SELECT * FROM choice"):
        layer = json.loads(row["layer"])
        layer["global_scope"] = layer.pop("everywhere")
        assert read_choice(store, FINGERPRINT, layer) == row["evaluation"]


def test_processes_that_open_an_old_store_at_once_migrate_it_once(tmp_path):
    shutil.copy(FIXTURE, tmp_path / "s.db")

    def read(_):
        with Store(tmp_path / "s.db") as opened:
            return [m.key for m in find_measurements(opened)]

    with ThreadPoolExecutor(4) as pool:
        first, *others = pool.map(read, range(4))
    assert all(other == first for other in others)


def test_an_old_store_merges_into_a_new_one_once(tmp_path):
    shutil.copy(FIXTURE, tmp_path / "old.db")
    with Store(tmp_path / "new.db") as store:
        added = merge(store, tmp_path / "old.db")
        assert added["measurement"] == len(old_rows("SELECT uid FROM measurement"))
        assert all(count for table, count in added.items() if table not in ("run", "evaluation", "skipped"))
        assert not any(merge(store, tmp_path / "old.db").values())
        assert all(m.key == Case(parse(m.architecture), m.setup).key(m.fingerprint) for m in find_measurements(store))


def old_identity(part):
    """The identity that the last version before gave a part, of default settings at least."""
    settings = part.settings
    if isinstance(settings, Bottleneck):
        return f"{part.path.partition('.')[0]}{'.first' if part.first else ''} {settings.block!r} @{part.size}"
    return f"{part.path} {settings.kind if isinstance(settings, Stem) else settings.classes} @{part.size}"


@pytest.mark.parametrize("name", [*CALIBRATED, "lambda_resnet101:k=8,u=4,stem=tiered,classes=7@256"])
def test_old_identities_become_the_keys_of_today(name):
    for part in parse(name).parts():
        assert migrated(old_identity(part)) == part_key(part)


@pytest.mark.parametrize("identity", ["c4 Block(layer=Winograd(), se=0.0) @14", "c4 Block( @14", "what", "c4 f(1) @2"])
def test_an_identity_that_cannot_be_read_stays(identity):
    assert migrated(identity) == identity
