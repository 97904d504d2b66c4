"""Latencies from the store drive a search on the command line."""

import json

import pytest

from lambda_arch.searching.space_file import read_space
from lambda_arch.store import Setup, Store
from lambda_arch.store.parts import keep_parts, part_key
from lambda_arch.timing import block_latencies
from lambda_arch.timing.machines import fingerprint_of

SPACE = """
about = "Stages of depth 18."
depth = 18
image_size = 64
per = "stage"
layer = ["C", "L"]
k = [4, 8]
m = [7]
"""


def invented(part) -> float:
    """Return seconds that differ from part to part, the same in every run."""
    return 1e-3 * (1 + sum(map(ord, part_key(part))) % 97)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    tmp_path = tmp_path_factory.mktemp("latency")
    space = tmp_path / "tiny.toml"
    space.write_text(SPACE)
    setup = Setup(device="cpu", batch_size=1, dtype="fp32", threads=2)
    networks = [net for product in read_space(str(space)).products for net in product.covering()]
    seconds = {part_key(part): [invented(part)] for net in networks for part in net.parts()}
    with Store(tmp_path / "store.db", create=True) as opened:
        fingerprint = fingerprint_of(opened, "cpu")
        keep_parts(opened, fingerprint, setup, "invented", seconds)
        assert len(block_latencies(opened, setup).by_key) == len(seconds)
    return tmp_path


def run(run_cli, folder, *more):
    return run_cli(
        "search", "--space", folder / "tiny.toml", "--store", folder / "store.db", "--threads", 2,
        "--minimize", "latency", "--maximize", "top1", "--format", "json", *more,
    )  # fmt: skip


@pytest.mark.slow
def test_the_fastest_member_is_the_fastest_of_all(run_cli, store):
    code, out, err = run(run_cli, store)
    assert code == 0, err
    members = json.loads(out)["members"]
    everyone = list(read_space(str(store / "tiny.toml")).architectures())
    fastest = min(sum(map(invented, network.parts())) for network in everyone)
    assert min(member["latency"] for member in members) == pytest.approx(fastest)


@pytest.mark.slow
def test_a_setup_that_was_not_calibrated_is_refused(run_cli, store):
    code, _, err = run(run_cli, store, "--batch-size", 8)
    assert code == 2
    assert "nothing was calibrated for cpu, batch 8" in err
    assert f"`lambda-arch calibrate --space {store / 'tiny.toml'} --store" in err
    assert "--device cpu --batch-size 8 --dtype fp32 --mode inference --threads 2 --clock" in err
    assert "lambda-arch calibrate" in err
