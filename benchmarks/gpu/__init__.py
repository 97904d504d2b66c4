"""One command that measures on a GPU all that has to be measured there, most valuable first, in a few minutes.

    python -m benchmarks.gpu --out FOLDER [--minutes 9] [--d-li14 PATH] [--leaderj1001 PATH]
    python -m benchmarks.gpu --out FOLDER --device cpu --dry-run

The work consists of items (:mod:`~benchmarks.gpu.item`), in the order of :mod:`~benchmarks.gpu.steps`. Each row is on
disk before the next is measured (:mod:`~benchmarks.gpu.folder`), and a second call with the same folder goes on. Items
run in a process of their own (:mod:`~benchmarks.gpu.runner`), so that a crash, or a kernel that breaks CUDA for its
process, costs one item (:mod:`~benchmarks.gpu.supervisor`). An item starts only if its planned time is left
(:mod:`~benchmarks.gpu.planning`), and is ended at its limit or at the end of the call.

It runs from the source tree and imports only what is there; what is skipped is listed with the reason.
"""
