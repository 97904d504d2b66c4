"""Report of a network written for other programs."""

from lambda_arch.interop.exporting import Exported
from lambda_arch.reporting.table import Column, Report, Table
from lambda_arch.reporting.timings import megabytes


def exported_report(exported: Exported) -> Report:
    """Return one row per batch size that was checked, with the error of the outputs."""
    data = exported.as_dict()
    rows = [{**data, **agreement} for agreement in data.pop("agreements")]
    shown = [
        Column("batch_size", "batch"),
        Column("error", "largest error", show=lambda error: f"{error:.1e}"),
    ]
    size = exported.architecture.image_size
    notes = [
        f"{exported.architecture}, {exported.evaluation} evaluation: images (b, 3, {size}, {size}) to logits "
        f"(b, {exported.architecture.classes}), any b, float32.",
        f"{exported.format}, {megabytes(exported.bytes)} MB{f', tensors in {exported.data}' if exported.data else ''}.",
        "Error: of outputs on random images, loaded again, over torch's largest output.",
    ]
    flat = Table([Column(name) for name in rows[0]], rows)
    return Report([Table(shown, rows, str(exported.path), notes)], flat, exported.as_dict())
