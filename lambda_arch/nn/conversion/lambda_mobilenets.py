"""github.com/rajatsaini0294/lambda-mobilenets: MobileNets with lucidrains' layers."""

from lambda_arch.nn.conversion.layout import Layout, numbered_names
from lambda_arch.nn.conversion.lucidrains import LAYER

SEPARABLE = {"0": "depthwise.conv", "1": "depthwise.norm", "3": "pointwise.conv", "4": "pointwise.norm"}
NETWORK = {"model.0.0": "stem.conv", "model.0.1": "stem.norm", "fc": "head.fc"}

LAMBDA_MOBILENETS = Layout(
    name="lambda-mobilenets",
    source="github.com/rajatsaini0294/lambda-mobilenets",
    example="model.1.3.weight",
    rename=numbered_names(
        r"model\.([1-9]\d*)\.(?P<inside>.+)", lambda m: f"layer{m[1]}", NETWORK, {**SEPARABLE, **LAYER}
    ),
)
