import subprocess
import sys

from lambda_arch.cluster.claims import Claims

HOLDER = """
import sys, time
from pathlib import Path
from lambda_arch.cluster.claims import Claims
claims = Claims(Path(sys.argv[1]))
print(claims.take("a"), flush=True)
time.sleep(60)
"""


def test_a_claim_keeps_other_processes_off_until_its_process_ends(tmp_path):
    store = tmp_path / "s.db"
    with subprocess.Popen([sys.executable, "-c", HOLDER, store], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "True\n"
        mine = Claims(store)
        assert not mine.take("a")
        assert mine.take("b")
        holder.kill()
        holder.wait()
        assert mine.take("a")
        mine.close()
    other = Claims(store)
    assert other.take("a")
    other.close()
