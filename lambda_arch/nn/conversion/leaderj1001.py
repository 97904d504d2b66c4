"""github.com/leaderj1001/LambdaNetworks: LambdaResNets, and ResNets without strides in their blocks."""

from lambda_arch.nn.conversion.layout import Layout, resnet_names

LEADERJ1001 = Layout(
    name="leaderj1001",
    source="github.com/leaderj1001/LambdaNetworks",
    example="layer1.0.conv2.0.embedding",
    rename=resnet_names(
        {"conv1": "stem.1.conv", "bn1": "stem.1.norm", "fc.1": "head.fc"},
        {
            "conv1": "reduce.conv",
            "bn1": "reduce.norm",
            "conv2.weight": "spatial.conv.weight",
            "bn2": "spatial.norm",
            "conv2.0.queries.0": "spatial.lambdas.queries",
            "conv2.0.queries.1": "spatial.lambdas.query_norm",
            "conv2.0.keys.0": "spatial.lambdas.keys",
            "conv2.0.values.0": "spatial.lambdas.values",
            "conv2.0.values.1": "spatial.lambdas.value_norm",
            "conv2.0.embedding": "spatial.lambdas.position.weight",
            "conv2.1": "spatial.norm",
            "conv2.2": "spatial.norm",  # in first blocks, whose average-pool is conv2.1
            "conv3": "expand.conv",
            "bn3": "expand.norm",
            "shortcut.0": "shortcut.conv",
            "shortcut.1": "shortcut.norm",
        },
    ),
    u_first=False,
    u_mixed=True,
    lambda_bias=False,
    network=lambda plain: {"pool": "first", "stride": plain.has_lambda, "shortcut_bias": True},
)
