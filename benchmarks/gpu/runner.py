"""The process that runs items one after the other; it says on standard output which it begins and ends. Imports torch.

After an error of CUDA, which leaves the process useless, it ends; the supervisor starts another for the rest.
"""

import gc
import importlib.util
import sys
import time
import traceback
from collections.abc import Callable

from benchmarks.gpu.folder import FAILED, OK, SKIPPED, Finished, Folder
from benchmarks.gpu.item import SkippedError
from benchmarks.gpu.planning import pending
from benchmarks.gpu.settings import Settings, read_settings

BROKEN = 3  # exit code
BREAKING = ("cuda error", "cublas_status", "cudnn_status", "misaligned address", "illegal memory access",
            "device-side assert", "unspecified launch failure")  # fmt: skip
"""Texts of errors after which CUDA no longer works in this process, or may not."""


def run_items(settings: Settings, say: Callable[[str], None]) -> int:
    """Run what is pending, as long as there is time, and return the exit code."""
    folder = Folder(settings.out)
    tried: set[str] = set()  # an item that was cut short runs once more in a call, not forever
    while (item := next((each for each in pending(settings, folder) if each.key not in tried), None)) is not None:
        tried.add(item.key)
        say(f"begin {item.key}")
        start = time.time()
        status, reason, rows, broken = OK, "", [], False
        try:
            missing = [name for name in item.needs if importlib.util.find_spec(name) is None]
            if missing:
                raise SkippedError(f"{', '.join(missing)} not installed")
            for row in item.run(settings):
                rows.append(row)
                folder.keep_row(item.key, row)
        except (SkippedError, ModuleNotFoundError) as error:
            status, reason = SKIPPED, str(error)
        except Exception as error:
            status, reason = FAILED, f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
            broken = any(text in str(error).lower() for text in BREAKING) and "out of memory" not in str(error).lower()
            traceback.print_exc()
        folder.keep(Finished(item.key, item.step, item.table, status, reason, round(time.time() - start, 1), rows))
        say(f"end {item.key}")
        if broken or not _freed():
            return BROKEN
    return 0


def _freed() -> bool:
    """Give memory back, so that the next item meets none in blocks of this one's sizes; whether CUDA still works."""
    if "torch" in sys.modules:
        import torch

        if torch.cuda.is_available():
            gc.collect()
            try:
                torch.cuda.synchronize()
                torch.cuda.empty_cache()
            except RuntimeError:  # an error that was reported as a result, such as a network's that failed
                traceback.print_exc()
                return False
    return True


def end_with_parent() -> None:
    """Let Linux end this process with the one that started it."""
    if sys.platform == "linux":
        import ctypes
        import signal

        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


if __name__ == "__main__":
    end_with_parent()
    sys.exit(run_items(read_settings(sys.argv[1:]), lambda line: print(line, flush=True)))
