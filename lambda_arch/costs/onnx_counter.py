"""The fourth counter: the ONNX graph of each part, from the shapes that it infers; nothing is run.

A network is its parts in order. Equal parts have equal graphs, so that deep networks and many of them cost little more
than their distinct parts. Needs the extra ``onnx``.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from math import prod
from typing import Any

import torch

from lambda_arch.arch import Architecture, Part
from lambda_arch.arch.kinds import MODULES, find
from lambda_arch.costs.counted import Counted
from lambda_arch.costs.ledger import Row
from lambda_arch.nn import network  # noqa: F401  it registers the modules of parts
from lambda_arch.nn.graphs import exported_program, onnx_program

SCOPES = "pkg.torch.onnx.name_scopes"
"""The entry of a node's metadata with the modules that it comes from, outermost first, and the operation."""


def count_by_onnx(architecture: Architecture) -> Counted:
    """Count the multiply-accumulates of ONNX's convolutions and products, one row per module that has any."""
    rows: list[Row] = []
    zero: Counter[str] = Counter()
    for part in architecture.parts():
        macs, others = _count_part(replace(part, path=""))
        for path, found in macs.items():
            rows.append(Row(f"{part.path}.{path}" if path else part.path, "", (), macs=found))
        zero.update(others)
    return Counted.of("onnx", architecture, rows, zero)


@lru_cache(maxsize=4096)
def _count_part(part: Part) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """Return the multiply-accumulates by module inside the part, and how often other operations occur."""
    module = find(MODULES, part)(part)
    image = torch.zeros(1, part.dim, part.size, part.size)
    graph = onnx_program(exported_program(module, image, dynamic=False), optimize=False).model.graph
    macs: Counter[str] = Counter()
    zero: Counter[str] = Counter()
    for node in graph:
        if node.op_type not in FORMULAS:
            zero[node.op_type] += 1
            continue
        scopes = _scopes(node.metadata_props[SCOPES])
        macs[scopes[-2]] += FORMULAS[node.op_type](node)
    return macs, zero


def _scopes(text: str) -> list[str]:
    import ast

    found: list[str] = ast.literal_eval(text)
    return found


def _shape(value: Any) -> tuple[int, ...]:
    return tuple(int(side) for side in value.shape)


def _conv(node: Any) -> int:
    """Each output is a sum over the kernel and the channels of a group."""
    return prod(_shape(node.outputs[0])) * prod(_shape(node.inputs[1])[1:])


def _matmul(node: Any) -> int:
    return prod(_shape(node.outputs[0])) * _shape(node.inputs[0])[-1]


def _gemm(node: Any) -> int:
    rows, columns = _shape(node.inputs[0])
    transposed = "transA" in node.attributes and node.attributes["transA"].as_int()
    return prod(_shape(node.outputs[0])) * (rows if transposed else columns)


def _einsum(node: Any) -> int:
    """Every combination of the letters is a multiplication."""
    letters = node.attributes["equation"].as_string().partition("->")[0].replace(" ", "").split(",")
    sizes = {
        letter: size
        for operand, shaped in zip(letters, node.inputs, strict=True)
        for letter, size in zip(operand, _shape(shaped), strict=True)
    }
    return prod(sizes.values())


FORMULAS: dict[str, Callable[[Any], int]] = {"Conv": _conv, "MatMul": _matmul, "Gemm": _gemm, "Einsum": _einsum}
"""The multiply-accumulates of a node, by its operation."""
