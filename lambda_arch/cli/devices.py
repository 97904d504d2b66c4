"""``lambda-arch devices``."""

import typer

from lambda_arch.cli.output import Format, Out, emit
from lambda_arch.cli.setups import Fresh, StorePath, Threads, open_store


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command()(devices)


def devices(
    threads: Threads = 0,
    fresh: Fresh = False,
    store: StorePath = None,
    format: Format = None,  # noqa: A002
    out: Out = None,
) -> None:
    """Show what can be measured on here, with measured ceilings: FLOP/s by dtype, and the speed of a copy."""
    from lambda_arch.reporting.devices import devices_report
    from lambda_arch.store.setup import default_threads
    from lambda_arch.timing.known_ceilings import device_names, known_or_measured, machine_of

    count = threads or default_threads()
    with open_store(store) as opened:
        found = []
        for name in device_names():
            rates = known_or_measured(opened, name, count, fresh=fresh)
            found.append((name, count, machine_of(opened, name), rates))
    emit(devices_report(found), format, out)
