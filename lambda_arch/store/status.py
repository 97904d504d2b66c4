"""How a measurement ended, as the store writes it."""

from enum import StrEnum


class Status(StrEnum):
    """The state of a measurement. Its text is what stores and CSV files hold."""

    RUNNING = "running"
    """Begun, or interrupted."""
    OK = "ok"
    OUT_OF_MEMORY = "oom"
    OUT_OF_MEMORY_CO_RESIDENT = "beside"
    """Out of memory while co-resident with other networks; the case is then measured alone."""
    FAILED = "failed"
    """Refused by torch."""
    CRASH = "crash"
    TIMEOUT = "timeout"

    @property
    def finished(self) -> bool:
        """Whether the case need not be measured again."""
        return self not in (Status.RUNNING, Status.OUT_OF_MEMORY_CO_RESIDENT)
