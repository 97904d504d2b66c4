"""timm's LambdaResNets (models/byoanet.py): blocks of conv1_1x1, conv2_kxk or self_attn, and conv3_1x1."""

from lambda_arch.nn.conversion.layout import Layout, numbered_names

NETWORK = {
    **{
        f"stem.conv{i}.{theirs}": f"stem.{i}.{ours}"
        for i in (1, 2, 3)
        for theirs, ours in (("conv", "conv"), ("bn", "norm"))
    },
    "head.fc": "head.fc",
}
BLOCK = {
    "conv1_1x1.conv": "reduce.conv",
    "conv1_1x1.bn": "reduce.norm",
    "conv2_kxk.conv": "spatial.conv",
    "conv2_kxk.bn": "spatial.norm",
    "self_attn.qkv": "spatial.lambdas.qkv",
    "self_attn.norm_q": "spatial.lambdas.query_norm",
    "self_attn.norm_v": "spatial.lambdas.value_norm",
    "self_attn.conv_lambda": "spatial.lambdas.position",
    "self_attn.pos_emb": "spatial.lambdas.position.embeddings",
    "post_attn": "spatial.norm",
    "conv3_1x1.conv": "expand.conv",
    "conv3_1x1.bn": "expand.norm",
    "shortcut.conv": "shortcut.conv",
    "shortcut.bn": "shortcut.norm",
}

TIMM = Layout(
    name="timm",
    source="github.com/huggingface/pytorch-image-models",
    example="stages.3.0.self_attn.qkv.weight",
    rename=numbered_names(
        r"stages\.([0-3])\.(\d+)\.(?P<inside>.+)", lambda m: f"c{int(m[1]) + 2}.{int(m[2]) + 1}", NETWORK, BLOCK
    ),
    # tensors do not tell the activation: only timm's network with 3-4-6-3 blocks has SiLU
    network=lambda plain: {
        "stem": "tiered",
        "pool": "2x2",
        "activation": "silu" if plain.depth == 50 else "relu",
        "image_size": 256,
    },
    depth=26,
)
