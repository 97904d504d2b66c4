"""The process that runs items one after the other; it says on standard output which it begins and ends. Imports torch.

After an error of CUDA, which leaves the process useless, it ends; the supervisor starts another for the rest.
"""

import gc
import importlib.util
import sys
import time
import traceback
from collections.abc import Callable, Iterator

from benchmarks.gpu.folder import FAILED, OK, SKIPPED, Finished, Folder
from benchmarks.gpu.item import Item, SkippedError
from benchmarks.gpu.settings import Settings, read_settings
from benchmarks.gpu.steps import all_items

BROKEN = 3  # exit code
BREAKING = ("cuda error", "cublas", "cudnn_status", "misaligned address", "illegal memory access", "device-side assert")
"""Texts of errors after which CUDA no longer works in this process."""


def pending(settings: Settings, folder: Folder) -> Iterator[Item]:
    """Yield the items that are not finished and still fit, in order."""
    done = folder.finished()
    for item in all_items(settings.sizes):
        if item.key not in done and item.seconds <= settings.left():
            yield item


def run_items(settings: Settings, say: Callable[[str], None]) -> int:
    """Run what is pending, and return the exit code."""
    folder = Folder(settings.out)
    for item in pending(settings, folder):
        if item.seconds > settings.left():
            continue
        say(f"begin {item.key}")
        start = time.time()
        status, reason, rows, broken = OK, "", [], False
        try:
            missing = [name for name in item.needs if importlib.util.find_spec(name) is None]
            if missing:
                raise SkippedError(f"{', '.join(missing)} not installed")
            rows = item.run(settings)
        except (SkippedError, ModuleNotFoundError) as error:
            status, reason = SKIPPED, str(error)
        except Exception as error:
            status, reason = FAILED, f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
            broken = any(text in str(error).lower() for text in BREAKING) and "out of memory" not in str(error).lower()
            traceback.print_exc()
        folder.keep(Finished(item.key, item.step, item.table, status, reason, round(time.time() - start, 1), rows))
        say(f"end {item.key}")
        if broken:
            return BROKEN
        _free()
    return 0


def _free() -> None:
    gc.collect()
    if "torch" in sys.modules:
        import torch

        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def end_with_parent() -> None:
    """Let Linux end this process with the one that started it."""
    if sys.platform == "linux":
        import ctypes
        import signal

        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


if __name__ == "__main__":
    end_with_parent()
    sys.exit(run_items(read_settings(sys.argv[1:]), lambda line: print(line, flush=True)))
