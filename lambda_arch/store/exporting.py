"""Export of measurements for other programs."""

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lambda_arch.errors import SetupError
from lambda_arch.files import atomic_write
from lambda_arch.store.measurements import Measurement


def raw_columns(measurement: Measurement) -> dict[str, Any]:
    """Return the raw data of a measurement by column: samples of every round, device readings, limits, warm-up."""
    return {
        "turns": measurement.session,
        "rounds_seconds": [measurement.rounds[number] for number in sorted(measurement.rounds)],
        "readings": json.dumps(measurement.readings),
        "limits": json.dumps(measurement.limits),
        "warmup_seconds": measurement.loaded.get("warmup", []),
    }


def write_parquet(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Write rows to a Parquet file, whole or not at all; lists stay lists.

    Raises :class:`SetupError` where pyarrow is not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise SetupError(f"{path}: Parquet needs pyarrow; expected `pip install lambda-arch[parquet]`") from None
    content = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(list(rows)), content)
    atomic_write(path, content.getvalue())
