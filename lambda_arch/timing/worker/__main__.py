"""The start of a worker process: a script, run by its path, that imports the package that it is a part of.

Python's own search would find another one of the name where several are installed; the folder that the process is
started in is not searched (``-P``).
"""

import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path

if __name__ == "__main__":
    spec = PathFinder.find_spec("lambda_arch", [str(Path(__file__).parents[3])])
    assert spec is not None and spec.loader is not None
    sys.modules["lambda_arch"] = module_from_spec(spec)
    spec.loader.exec_module(sys.modules["lambda_arch"])

    from lambda_arch.timing.worker.main import main

    main()
