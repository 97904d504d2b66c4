"""``lambda-arch devices``."""

from lambda_arch.cli.flags import Flags, takes_flags
from lambda_arch.cli.output import Output, takes_output


@takes_flags("threads", "fresh", "store")
@takes_output
def devices(flags: Flags, output: Output) -> None:
    """Show what can be measured on here, with measured peak rates: FLOP/s by dtype, and the speed of a copy."""
    from lambda_arch.timing import devices as find_devices

    output.show(find_devices(threads=flags.threads or 0, fresh=flags.fresh, store=flags.store))
