import subprocess
import sys

from lambda_arch.store.claims import claim, leave_claim, take_claim

HOLDER = """
import sys
from pathlib import Path
from lambda_arch.store.claims import take_claim
print(take_claim(Path(sys.argv[1]), sys.argv[2]), flush=True)
sys.stdin.readline()
"""


def holder(store, key):
    """Return another process, which claims ``key``, and what came of it."""
    other = subprocess.Popen(
        [sys.executable, "-c", HOLDER, store, key], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    return other, other.stdout.readline() == "True\n"


def test_a_claim_keeps_other_processes_off_until_its_process_ends(tmp_path):
    store = tmp_path / "s.db"
    other, theirs = holder(store, "a")
    assert theirs and not take_claim(store, "a")
    with claim(store, "a") as ours:
        assert not ours
    assert take_claim(store, "b")
    other.kill()
    other.communicate()
    with claim(store, "a") as ours:
        assert ours


def test_a_claim_that_ends_leaves_the_others_of_its_process(tmp_path):
    store = tmp_path / "s.db"
    assert take_claim(store, "a")
    with claim(store, "b"):
        pass
    other, theirs = holder(store, "a")
    assert not theirs
    leave_claim(store, "a")
    other.communicate()


def test_claims_go_on_after_their_file_was_removed(tmp_path):
    store = tmp_path / "s.db"
    assert take_claim(store, "a")
    (tmp_path / "s.db.claims").unlink()
    assert take_claim(store, "b")
    other, theirs = holder(store, "b")
    assert not theirs
    other.communicate()
