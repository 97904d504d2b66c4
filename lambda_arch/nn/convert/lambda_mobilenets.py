"""github.com/rajatsaini0294/lambda-mobilenets: MobileNets with lucidrains' layers."""

import re

from lambda_arch.nn.convert.layout import Layout, by_table
from lambda_arch.nn.convert.lucidrains import LAYER

SEPARABLE = {"0": "depthwise.conv", "1": "depthwise.norm", "3": "pointwise.conv", "4": "pointwise.norm"}
NETWORK = {"model.0.0": "stem.conv", "model.0.1": "stem.norm", "fc": "head.fc"}


def _rename(name: str) -> str | None:
    inside = re.fullmatch(r"model\.([1-9]\d*)\.(.+)", name)
    if not inside:
        return by_table(name, NETWORK)
    ours = by_table(inside[2], {**SEPARABLE, **LAYER})
    return ours and f"layer{inside[1]}.{ours}"


LAMBDA_MOBILENETS = Layout(
    name="lambda-mobilenets",
    source="github.com/rajatsaini0294/lambda-mobilenets",
    example="model.1.3.weight",
    rename=_rename,
)
