"""The script that starts a worker process: it imports the very package that contains it.

Python's own search could find another installation of the package. The current folder is not searched (``-P``).
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
