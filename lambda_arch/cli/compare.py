"""``lambda-arch compare``."""

from lambda_arch.arch import Architecture
from lambda_arch.cli.architectures import takes_architectures
from lambda_arch.cli.flags import Flags, takes_flags
from lambda_arch.cli.output import Output, takes_output


@takes_architectures
@takes_flags("store")
@takes_output
def compare(architectures: list[Architecture], *, flags: Flags, output: Output) -> None:
    """Compare architectures side by side.

    Parameters, MACs, memory and stored latencies, by stage and by module.
    """
    from lambda_arch.comparing.sides import side_by_side

    output.show(side_by_side(architectures, store=flags.store))
