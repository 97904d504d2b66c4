"""AOTInductor: torch.export's program, compiled ahead of time to a library by torch's own compiler."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lambda_arch.interop.runtimes.runner import Runner
from lambda_arch.nn.graphs import exported_program, quiet
from lambda_arch.store.setup import Setup


def load(network: nn.Module, images: Tensor, setup: Setup, folder: Path) -> Runner:
    """Return ``network`` compiled; this takes a C++ compiler and minutes."""
    del setup
    from torch._inductor import aoti_compile_and_package, aoti_load_package

    program = exported_program(network, images, dynamic=False)
    with torch.no_grad(), quiet():
        run: Any = aoti_load_package(aoti_compile_and_package(program, package_path=str(folder / "network.pt2")))

    def step() -> Tensor:
        logits: Tensor = run(images)
        return logits

    return Runner(step, str(images.dtype).removeprefix("torch."))
