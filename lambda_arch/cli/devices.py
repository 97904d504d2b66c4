"""``lambda-arch devices``."""

from lambda_arch.cli.flags import Flags, takes_flags
from lambda_arch.cli.output import Output, takes_output
from lambda_arch.cli.plots import Plotted, takes_plot
from lambda_arch.cli.progress import busy


@takes_flags("threads", "fresh", "store")
@takes_plot
@takes_output
def devices(flags: Flags, plotted: Plotted, output: Output) -> None:
    """Show the devices of this machine and their peak rates.

    Peaks are measured: FLOP/s for each dtype, and the bandwidth of a copy.
    """
    from lambda_arch.timing import devices as find_devices

    with busy("devices: measuring peak rates"):
        found = find_devices(threads=flags.threads or 0, fresh=flags.fresh, store=flags.store)
    plotted.show(output, found)
