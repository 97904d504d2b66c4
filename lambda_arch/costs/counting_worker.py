"""A process that runs the counters: it answers each line with a line, both of JSON.

A line names an architecture, and says whether to count ONNX's graph too. The process ends when its input ends. Python's
own search could find another installation of the package, or files of the current folder: the package is that of this
file.
"""

import json
import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path


def main() -> None:
    """Answer until standard input ends."""
    import os

    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # output of libraries must not be mistaken for a reply

    from lambda_arch.arch import parse
    from lambda_arch.costs.agreement import run_counters
    from lambda_arch.costs.kept_counts import plain

    for line in sys.stdin:
        name, onnx = json.loads(line)
        replies.write(f"{json.dumps(plain(run_counters(parse(name), onnx=onnx)))}\n")
        replies.flush()


if __name__ == "__main__":
    spec = PathFinder.find_spec("lambda_arch", [str(Path(__file__).parents[2])])
    assert spec is not None and spec.loader is not None
    sys.modules["lambda_arch"] = module_from_spec(spec)
    spec.loader.exec_module(sys.modules["lambda_arch"])
    main()
