"""Random MobileNets and EfficientNets for property tests."""

from hypothesis import strategies as st

from lambda_arch.arch import EfficientNet, Lambda, MobileNet
from lambda_arch.arch.mobilenet import LAYERS


@st.composite
def mobilenets(draw: st.DrawFn, max_size: int = 256) -> MobileNet:
    """MobileNets of any pattern that can be built, with lambda layers of any settings."""
    letters = [draw(st.sampled_from("CL-" if layer.removable else "CL")) for layer in LAYERS]
    content, position = draw(st.sampled_from([(True, True), (True, True), (True, False), (False, True)]))
    layer = Lambda(
        k=draw(st.integers(1, 8)),
        h=draw(st.sampled_from([1, 2, 4, 8, 64])),
        u=draw(st.sampled_from([1, 2, 4])),
        m=draw(st.sampled_from([1, 3, 5, "global"])),
        content=content,
        position=position,
        bias=draw(st.booleans()),
    )
    return MobileNet(
        "C" + "".join(letters), layer, draw(st.sampled_from([1, 10, 100])), draw(st.integers(16, max_size))
    )


@st.composite
def efficientnets(draw: st.DrawFn, variants: tuple[int, ...] = tuple(range(8)), max_size: int = 700) -> EfficientNet:
    """EfficientNets of any image size and number of classes."""
    return EfficientNet(
        draw(st.sampled_from(variants)), draw(st.integers(32, max_size)), draw(st.sampled_from([1, 10, 1000]))
    )
