"""``lambda-arch devices``."""

from lambda_arch.cli.flags import Flags, takes_flags
from lambda_arch.cli.output import Output, takes_output


@takes_flags("threads", "fresh", "store")
@takes_output
def devices(flags: Flags, output: Output) -> None:
    """Show what can be measured on here, with measured ceilings: FLOP/s by dtype, and the speed of a copy."""
    from lambda_arch.reporting.devices import devices_report
    from lambda_arch.store.setup import default_threads
    from lambda_arch.timing.known_ceilings import device_names, known_or_measured, machine_of

    count = flags.threads or default_threads()
    with flags.open_store() as opened:
        found = []
        for name in device_names():
            rates = known_or_measured(opened, name, count, fresh=flags.fresh)
            found.append((name, count, machine_of(opened, name), rates))
    output.show(devices_report(found))
