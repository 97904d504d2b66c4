"""``lambda-arch devices``."""

from lambda_arch.cli.flags import Flags, takes_flags
from lambda_arch.cli.output import Output, takes_output


@takes_flags("threads", "fresh", "store")
@takes_output
def devices(flags: Flags, output: Output) -> None:
    """Show the devices of this machine and their peak rates.

    Peaks are measured: FLOP/s for each dtype, and the bandwidth of a copy.
    """
    from lambda_arch.timing import devices as find_devices

    output.show(find_devices(threads=flags.threads or 0, fresh=flags.fresh, store=flags.store))
