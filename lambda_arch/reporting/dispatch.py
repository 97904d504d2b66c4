"""The report of each kind of result; a new kind adds its line."""

from importlib import import_module
from typing import TYPE_CHECKING

from lambda_arch.reporting.table import Report

if TYPE_CHECKING:
    from lambda_arch.results import Result

REPORTS = {
    "Accuracy": "training.accuracy_report",
    "Calibration": "calibrations.calibration_report",
    "Catalogue": "catalogues.catalogue_report",
    "Comparison": "comparisons.comparison_report",
    "Comparisons": "comparisons.comparison_report",
    "Counts": "ledgers.counts_report",
    "Coverage": "proposals.coverage_report",
    "Devices": "devices.devices_report",
    "Exported": "exported.exported_report",
    "Explanations": "explanations.explanations_report",
    "Exploration": "explorations.exploration_report",
    "Findings": "audits.audit_report",
    "Footprint": "footprints.footprint_report",
    "Front": "fronts.result_report",
    "Ledger": "ledgers.ledger_report",
    "LongComparisons": "comparisons.long_report",
    "LongRuns": "training.long_runs_report",
    "Matches": "matches.match_report",
    "Measurements": "timings.measurements_report",
    "ModuleLedger": "modules.module_report",
    "Plan": "training.plan_report",
    "Predictions": "calibrations.prediction_report",
    "Proposals": "proposals.proposals_report",
    "Rooflines": "rooflines.roofline_report",
    "Runs": "training.runs_report",
    "StoreCheck": "stores.store_report",
    "SideBySide": "side_by_side.side_by_side_report",
    "TableFront": "fronts.table_report",
    "TableTimings": "ratios.table_timings_report",
    "Verification": "verifications.verification_report",
}
"""The module and function of the report, by the result's class; imported when a result is shown."""


def report_of(result: "Result") -> Report:
    """Return the report of ``result``, as the CLI shows it."""
    module, _, function = REPORTS[type(result).__name__].partition(".")
    report: Report = getattr(import_module(f"lambda_arch.reporting.{module}"), function)(result)
    return report
