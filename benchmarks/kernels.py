"""What the compiler makes of the fused kernels, without a GPU: registers, spills, shared memory, matrix instructions.

python -m benchmarks.kernels        (needs Triton, which brings ptxas; compiles for sm_80 and sm_90a, in minutes)
"""

import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import triton
from rich.console import Console
from rich.table import Table
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from lambda_arch.nn.evaluation import fused_backward_kernels as backward
from lambda_arch.nn.evaluation.fused_forward_kernel import forward_kernel

TARGETS = {80: "sm_80", 90: "sm_90a"}
KERNELS = (forward_kernel, backward.queries_kernel, backward.values_kernel, backward.embeddings_kernel)
MAPS = {56: 16, 28: 64}
"""Side of the map and value depth of two layers of LambdaResNet-50: in c2, and the first of c4."""
SIZES = ("height", "width", "padded_width", "image_stride", "depth", "reduction", "images")
LAYER = {"heads": 4, "k": 16, "u": 1, "rows": 23, "columns": 23}
PADDED = {"padded_heads": 4, "padded_k": 16, "padded_columns": 32}
MATRIX_INSTRUCTION = re.compile(r"(?:mma\.sync|wgmma\.mma_async)[\w.]*?\.(m\d+n\d+k\d+)")


def main() -> None:
    """Compile and print one row per kernel, target, dtype, layer and tile."""
    columns = ("kernel", "target", "dtype", "map", "tile", "registers", "spilled bytes", "shared bytes", "instructions")
    table = Table(*columns)
    for row in measured():
        table.add_row(*map(str, row))
    Console(width=150).print(table, f"Triton {triton.__version__}; tile: its sizes, then warps and stages.")


def measured() -> Iterator[tuple[Any, ...]]:
    """Yield the rows."""
    for kernel in KERNELS:
        maps = {56: 16} if kernel is forward_kernel else MAPS  # to others a map and a depth are constants
        for capability, target in TARGETS.items():
            for dtype in ("bf16", "fp32"):
                for side in maps:
                    for tile in kernel.configs:
                        name = "x".join(map(str, (*tile.kwargs.values(), tile.num_warps, tile.num_stages)))
                        found = compiled(kernel, capability, dtype, side, tile)
                        yield (kernel.fn.__name__, target, dtype, f"{side}x{side}", name, *found)


def compiled(kernel: Any, capability: int, dtype: str, side: int, tile: Any) -> tuple[Any, ...]:
    """Return registers, spilled bytes, shared memory and the matrix instructions of one kernel."""
    names, depth = kernel.arg_names, MAPS[side]
    constants = {
        **LAYER, **PADDED, "height": side, "width": side, "depth": depth, "depths": max(16, depth),
        "precision": "tf32" if dtype == "fp32" else "ieee", **tile.kwargs,
    }  # fmt: skip
    if kernel is forward_kernel:
        constants = {name: value for name, value in constants.items() if name not in SIZES}
    types = dict.fromkeys(names, f"*{dtype}") | dict.fromkeys(SIZES, "i32") | {"offsets": "*i32"}
    if kernel is backward.embeddings_kernel:
        types["outputs"] = "*fp32"
    types |= dict.fromkeys(constants, "constexpr")
    aligned = {(i,): [["tt.divisibility", 16]] for i, name in enumerate(names) if types[name].startswith("*")}
    used = {name: constants[name] for name in names if name in constants}
    source = ASTSource(kernel.fn, {name: types[name] for name in names}, used, aligned)
    options = {"num_warps": tile.num_warps, "num_stages": tile.num_stages}
    binary = triton.compile(source, target=GPUTarget("cuda", capability, 32), options=options)
    assembly = binary.asm["ptx"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "kernel.ptx"
        path.write_text(assembly)
        ptxas = max((Path(triton.__file__).parent / "backends/nvidia/bin").glob("ptxas*"))  # the newest it brings
        report = subprocess.run(
            [ptxas, "-v", "-arch", TARGETS[capability], path, "-o", path.with_suffix(".bin")],
            capture_output=True, text=True, check=True,
        ).stderr  # fmt: skip
    registers, spilled = (
        int(re.search(pattern, report)[1])  # type: ignore[index]
        for pattern in (r"Used (\d+) registers", r"(\d+) bytes spill stores")
    )
    instructions = " ".join(sorted(set(MATRIX_INSTRUCTION.findall(assembly))))
    return registers, spilled, binary.metadata.shared, instructions


if __name__ == "__main__":
    main()
