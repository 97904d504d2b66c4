"""Modules of a user, for tests: none of them is ours."""

import torch
from torch import nn

SOURCE = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, width=8, *, classes=10):
        super().__init__()
        print("made")
        self.stem = nn.Conv2d(3, width, 3, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(width)
        self.fc = nn.Linear(width, classes)

    def forward(self, x):
        return self.fc(self.norm(self.stem(x)).mean((2, 3)))


def broken():
    raise KeyError("no weights here")


def wrong():
    return "a text"


made = Net(4)
"""


class Attention(nn.Module):
    """Attention, whose products are in no submodule."""

    def __init__(self) -> None:
        super().__init__()
        self.project = nn.Linear(8, 24)
        self.frozen = nn.Parameter(torch.zeros(5), requires_grad=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q, k, v = self.project(x).chunk(3, dim=-1)
        return nn.functional.scaled_dot_product_attention(q[:, None], k[:, None], v[:, None]) + self.frozen[0]


class Twice(nn.Module):
    """One layer under two names, run twice, and a module that does not run."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(8, 8, bias=False)
        self.second = self.first
        self.unused = nn.Linear(3, 3)

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"y": self.second(self.first(x)) * mask}


class Untraceable(nn.Module):
    """What refuses to be traced."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(8, 8)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, list[str]]:
        if torch.jit.is_tracing():
            raise RuntimeError("no traces of me")
        return self.fc(x), ["text"]
