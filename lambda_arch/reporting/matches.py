"""Report of the architectures that match printed figures."""

from lambda_arch.comparing.matching import Matches
from lambda_arch.reporting.table import Column, Report, Table, billions, millions


def match_report(matches: Matches) -> Report:
    """Return the simplest architectures whose counts round to the figures."""
    rows = [
        {"architecture": str(each.architecture), "params": each.params, "macs": each.macs, "changes": each.changes}
        for each in matches.best
    ]
    columns = [
        Column("architecture", align="left"),
        Column("params", "params (M)", show=millions),
        Column("macs", "MACs (G)", show=billions),
        Column("changes"),
    ]
    note = (
        f"{matches.found:,} of {matches.searched:,} architectures are within the rounding. "
        "Changes: settings that are not the defaults."
    )
    notes = [note]
    if any("m=global" in str(each.architecture) for each in matches.best):
        notes.append("m=global is what a LambdaLayer of lambda-networks is where its argument r is left out.")
    if matches.by_macs:
        notes.append("A figure of FLOPs counts each multiply-accumulate twice: halve it, or see `lambda-arch audit`.")
    data = {"matches": rows, "found": matches.found, "searched": matches.searched}
    return Report([Table(columns, rows, notes=notes)], Table(columns, rows), data)
