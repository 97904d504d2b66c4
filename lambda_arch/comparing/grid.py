"""Millions of architectures of one depth: every combination of the settings that papers vary or leave unsaid.

The costs of stem, squeeze-excitation, shortcut biases and head (the body) do not depend on the lambda layers. So the
grid is an outer sum: the networks of :func:`count_many`, plus a constant for each body.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
from numpy.typing import NDArray

from lambda_arch.arch import BLOCKS, Architecture, evenly_spaced, parse
from lambda_arch.costs import count, count_many
from lambda_arch.costs.many import Integers

K = (16, 2, 4, 8, 32)
H = (4, 1, 2, 8, 16)
U = (1, 4, 8)
M = (23, 3, 5, 7, 9, 15, 31, 0)  # 0 is global
LAMBDA_BIAS = (False, True)
CLASSES = (1000, 10, 100)
BODIES = (
    "",
    "stem=deep",
    "stem=rs",
    "se=0.0625",
    "se=0.25",
    "stem=rs,se=0.25",
    "c2.se=0.25,c3.se=0.25",
    "stem=rs,c2.se=0.25,c3.se=0.25",
)
"""Stems and squeeze-excitation, alone and combined as in the paper."""
IMAGE_SIZES = (224, 128, 160, 192, 256, 288, 320)
HYBRIDS = (1, 2, 3, 4, 6, 8, 10, 12)
"""How many evenly spaced lambda layers c4 may have."""


@dataclass(frozen=True)
class Grid:
    """The architectures of one depth at one image size: lambda networks (rows) by bodies (columns)."""

    depth: int
    image_size: int = 224
    classes: tuple[int, ...] = CLASSES

    @cached_property
    def patterns(self) -> list[str]:
        """Stage patterns: lambda layers by stage, and evenly spaced in c4 with c5 of either kind."""
        by_stage = ["".join(letters) for letters in product("LC", repeat=4)]
        counts = [number for number in HYBRIDS if "C" in evenly_spaced(number, BLOCKS[self.depth][2])[: number + 1]]
        return [*by_stage, *(f"C-C-{number}-{last}" for number in counts for last in "LC")]

    @cached_property
    def networks(self) -> NDArray[np.intp]:
        """Indices into patterns, K, H, U, M and LAMBDA_BIAS, one row per network, the defaults first."""
        lengths = (len(self.patterns), len(K), len(H), len(U), len(M), len(LAMBDA_BIAS))
        rows: NDArray[np.intp] = np.indices(lengths).reshape(len(lengths), -1).T
        plain = rows[:, 0] == self.patterns.index("CCCC")
        kept: NDArray[np.intp] = rows[~plain | (rows[:, 1:].sum(axis=1) == 0)]
        return kept  # the lambda settings of a plain ResNet have no effect: one row of them is enough

    @cached_property
    def bodies(self) -> list[str]:
        """Options of everything but the lambda layers."""
        biases = ("", "shortcut_bias=yes")
        classes = [f"classes={number}" if number != CLASSES[0] else "" for number in self.classes]
        return [",".join(filter(None, parts)) for parts in product(BODIES, biases, classes)]

    @property
    def shape(self) -> tuple[int, int]:
        """The number of networks and of bodies."""
        return len(self.networks), len(self.bodies)

    def costs(self, cost: str, rows: NDArray[np.intp] | None = None) -> Integers:
        """Return ``params`` or ``macs`` of every architecture, networks (all, or these rows) by bodies."""
        settings = self.networks if rows is None else self.networks[rows]
        patterns = np.array(self.patterns)[settings[:, 0]]
        base = np.empty(len(settings), np.int64)
        for index, bias in enumerate(LAMBDA_BIAS):
            chosen = settings[:, 5] == index
            values = {name: np.array(axis)[settings[chosen, i]] for i, (name, axis) in enumerate(_AXES.items(), 1)}
            counts = count_many(
                f"lambda_resnet{self.depth}:lambda_bias={'yes' if bias else 'no'}@{self.image_size}",
                stages=patterns[chosen],
                **values,
            )
            base[chosen] = getattr(counts, cost)
        plain = getattr(count(parse(f"resnet{self.depth}@{self.image_size}")), cost)
        constants = [
            getattr(count(parse(f"resnet{self.depth}:{body}@{self.image_size}")), cost) - plain for body in self.bodies
        ]
        total: Integers = base[:, None] + np.array(constants)
        return total

    def changes(self) -> Integers:
        """Return how many settings of every architecture differ from the published defaults, networks by bodies."""
        of_networks = (self.networks != 0).sum(axis=1)
        plain = self.networks[:, 0] == self.patterns.index("CCCC")
        of_networks[plain] = 0  # a plain ResNet is as simple as a LambdaResNet
        of_bodies = [
            body.count("stem") + ("se=" in body) + body.count("bias") + body.count("classes") for body in self.bodies
        ]
        total: Integers = of_networks[:, None] + np.array(of_bodies) + (self.image_size != IMAGE_SIZES[0])
        return total

    def architecture(self, network: int, body: int) -> Architecture:
        """Return one architecture of the grid."""
        pattern, *settings, bias = self.networks[network]
        options = [f"stages={self.patterns[pattern]}"]
        if self.patterns[pattern] != "CCCC":  # a plain ResNet has no lambda settings
            options += [
                f"{name}={axis[i] or 'global'}" for (name, axis), i in zip(_AXES.items(), settings, strict=True)
            ]
        options += ["lambda_bias=yes"] * bool(LAMBDA_BIAS[bias]) + [self.bodies[body]] * bool(self.bodies[body])
        return parse(f"lambda_resnet{self.depth}:{','.join(options)}@{self.image_size}")


_AXES = {"k": K, "h": H, "u": U, "m": M}
