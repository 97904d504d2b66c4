"""Worker processes, and the messages that go to them and come back."""

from lambda_arch.timing.protocol.messages import Machine, Peak
from lambda_arch.timing.protocol.process import WorkerError, WorkerProcess

__all__ = ["Machine", "Peak", "WorkerError", "WorkerProcess"]
