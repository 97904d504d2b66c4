"""The table of layouts."""

from lambda_arch.nn.conversion.d_li14 import D_LI14
from lambda_arch.nn.conversion.lambda_mobilenets import LAMBDA_MOBILENETS
from lambda_arch.nn.conversion.layout import Layout
from lambda_arch.nn.conversion.leaderj1001 import LEADERJ1001
from lambda_arch.nn.conversion.lucidrains import LUCIDRAINS
from lambda_arch.nn.conversion.timm import TIMM

LAYOUTS: dict[str, Layout] = {
    layout.name: layout for layout in (D_LI14, LUCIDRAINS, LEADERJ1001, LAMBDA_MOBILENETS, TIMM)
}
