"""The command line of the kit, see :mod:`benchmarks.gpu`."""

import signal
import sys

from benchmarks.gpu.folder import Folder
from benchmarks.gpu.settings import read_settings
from benchmarks.gpu.summary import write_summary
from benchmarks.gpu.supervisor import supervise


def main() -> int:
    settings = read_settings(sys.argv[1:])
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if settings.summary_only:
            write_summary(settings, Folder(settings.out))
            left = []
        else:
            left = supervise(settings)
    except KeyboardInterrupt:
        print(f"stopped; the same command goes on, {settings.out / 'summary.md'} has what is done", file=sys.stderr)
        return 130
    print((settings.out / "summary.md").read_text("utf-8"))
    for item in left:
        print(f"left for the next call: {item.key}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
