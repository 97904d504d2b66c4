"""Worker processes and the messages of their protocol."""

from lambda_arch.timing.protocol.messages import Machine, Peak
from lambda_arch.timing.protocol.process import WorkerError, WorkerProcess

__all__ = ["Machine", "Peak", "WorkerError", "WorkerProcess"]
