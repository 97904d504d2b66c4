"""What the compiler makes of the fused kernels, without a GPU: registers, spills, shared memory, matrix instructions.

python -m benchmarks.kernels        (needs Triton, which brings ptxas; compiles every tile for sm_80 and sm_90a)
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

from lambda_arch.nn.evaluation.fused_kernel import TILES, forward_kernel, queries_kernel

TARGETS = {80: "sm_80", 90: "sm_90a"}
POINTERS = ("values", "embeddings", "shared", "outputs")
SIZES = ("height", "width", "padded_width", "image_stride", "depth", "reduction")
LAYER = {"heads": 4, "k": 16, "padded_k": 16, "padded_heads": 4}
MATRIX_INSTRUCTION = re.compile(r"(?:mma\.sync|wgmma\.mma_async)[\w.]*?\.(m\d+n\d+k\d+)")


def main() -> None:
    """Compile and print one row per kernel, target, dtype and tile."""
    table = Table("kernel", "target", "dtype", "tile", "registers", "spilled bytes", "shared bytes", "instruction")
    for row in measured():
        table.add_row(*map(str, row))
    Console(width=120).print(table, f"Triton {triton.__version__}; tile: positions, reduction, depths, warps, stages.")


def measured() -> Iterator[tuple[Any, ...]]:
    """Yield the rows."""
    for kernel, by_head in ((forward_kernel, "queries"), (queries_kernel, "gradient")):
        for capability, target in TARGETS.items():
            for dtype in ("bf16", "fp32"):
                for tile in TILES:
                    yield (
                        kernel.__name__,
                        target,
                        dtype,
                        "x".join(map(str, tile)),
                        *compiled(kernel, by_head, capability, dtype, tile),
                    )


def compiled(kernel: Any, by_head: str, capability: int, dtype: str, tile: tuple[int, ...]) -> tuple[Any, ...]:
    """Return registers, spilled bytes, shared memory and the matrix instructions of one kernel."""
    positions, chunk, depths, warps, stages = tile
    precision = "tf32" if dtype == "fp32" else "ieee"
    constants = {**LAYER, "precision": precision, "positions": positions, "chunk": chunk, "depths": depths}
    signature = {
        **dict.fromkeys((*POINTERS, by_head), f"*{dtype}"),
        "offsets": "*i32",
        **dict.fromkeys(SIZES, "i32"),
        **dict.fromkeys(constants, "constexpr"),
    }
    source = ASTSource(kernel, {name: signature[name] for name in kernel.arg_names}, constants)
    binary = triton.compile(
        source, target=GPUTarget("cuda", capability, 32), options={"num_warps": warps, "num_stages": stages}
    )
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
