"""github.com/d-li14/lambda.pytorch: LambdaResNets with torchvision's names and one projection for q, k and v."""

from lambda_arch.nn.conversion.layout import Layout, resnet_names

D_LI14 = Layout(
    name="d-li14",
    source="github.com/d-li14/lambda.pytorch",
    example="layer1.0.conv2.conv_qkv.weight",
    rename=resnet_names(
        {"conv1": "stem.1.conv", "bn1": "stem.1.norm", "fc": "head.fc"},
        {
            "conv1": "reduce.conv",
            "bn1": "reduce.norm",
            "conv2.conv_qkv": "spatial.lambdas.qkv",
            "conv2.norm_q": "spatial.lambdas.query_norm",
            "conv2.norm_v": "spatial.lambdas.value_norm",
            "conv2.lambda_conv": "spatial.lambdas.position",
            "bn2": "spatial.norm",
            "conv3": "expand.conv",
            "bn3": "expand.norm",
            "downsample.0": "shortcut.conv",
            "downsample.1": "shortcut.norm",
        },
    ),
    depth=26,
)
