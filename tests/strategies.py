"""Random architectures for property tests."""

from hypothesis import strategies as st

from lambda_arch.arch import BLOCKS, Block, Convolution, Lambda, ResNet

HEADS = (1, 2, 4, 8, 16)


@st.composite
def lambda_settings(draw: st.DrawFn, small: bool = False) -> Lambda:
    content, position = draw(st.sampled_from([(True, True), (True, True), (True, False), (False, True)]))
    return Lambda(
        k=draw(st.sampled_from([1, 2, 3, 4, 8, 16, 32] if not small else [1, 2, 3, 4])),
        h=draw(st.sampled_from(HEADS)),
        u=draw(st.sampled_from([1, 2, 4])),
        m=draw(st.sampled_from([1, 3, 7, 23, "global"] if not small else [1, 3, 7, "global"])),
        content=content,
        position=position,
        bias=draw(st.booleans()),
        key_norm=draw(st.sampled_from(["softmax", "softmax", "l2", "none"])),
        query_softmax=draw(st.integers(0, 3)) == 0,
        batch_norm=draw(st.integers(0, 3)) != 0,
    )


@st.composite
def resnets(
    draw: st.DrawFn, depths: tuple[int, ...] = tuple(BLOCKS), max_size: int = 320, small: bool = False
) -> ResNet:
    """Architectures whose blocks mostly share their settings, as people's do, with some of their own."""
    depth = draw(st.sampled_from(depths))
    usual = draw(lambda_settings(small=small))
    ratio = draw(st.sampled_from([0.0, 0.0, 0.0625, 0.25, 1.0]))

    def block() -> Block:
        own = draw(st.integers(0, 9)) == 0
        layer = draw(lambda_settings(small=small)) if own else usual
        se = draw(st.sampled_from([0.0, 0.25])) if own else ratio
        return Block(layer if draw(st.booleans()) else Convolution(), se)

    stages = []
    for number in BLOCKS[depth]:
        uniform = draw(st.booleans())
        first = block()
        stages.append((first,) * number if uniform else tuple(block() for _ in range(number)))
    alike = all(block.layer in (usual, Convolution()) for stage in stages for block in stage)
    return ResNet(
        depth,
        tuple(stages),
        stem=draw(st.sampled_from(["7x7", "deep", "rs", "tiered"])),
        stride=draw(st.booleans()),
        pool=draw(st.sampled_from(["strided", "first", "2x2"])),
        activation=draw(st.sampled_from(["relu", "silu"])),
        shortcut_bias=draw(st.booleans()),
        shared_embeddings=alike and draw(st.booleans()),
        classes=draw(st.sampled_from([1, 10, 100, 1000])),
        image_size=draw(st.integers(32, max_size)),
    )
