"""A worker's replies to requests. Imports torch."""

import gc
import re
import sys

import torch

from lambda_arch.arch import parse, register
from lambda_arch.errors import LambdaArchError, ModuleError
from lambda_arch.interop.references import read_reference
from lambda_arch.nn.evaluation.ceilings import Ceilings, remember
from lambda_arch.store.status import Status
from lambda_arch.timing.protocol.messages import (
    DeviceNames,
    DevicesRequest,
    Failure,
    LoadReply,
    LoadRequest,
    MachineRequest,
    Peaks,
    PeaksRequest,
    Refusal,
    Reply,
    Request,
    SampleRequest,
)
from lambda_arch.timing.worker.devices import check_present, device_names
from lambda_arch.timing.worker.machine import describe_machine
from lambda_arch.timing.worker.memory import limit_memory
from lambda_arch.timing.worker.peaks import measure_peaks
from lambda_arch.timing.worker.sampling import Sampler

REASON = 300  # characters kept of an error's text
OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "cannot allocate memory")
"""Texts of torch's errors that have no type of their own."""


class Session:
    """Answers requests, and keeps the loaded network between them."""

    def __init__(self) -> None:
        self._sampler: Sampler | None = None

    def answer(self, request: Request) -> Reply:
        """Return the reply to ``request``; errors are replies too."""
        try:
            return self._answer(request)
        except MemoryError as error:
            return Failure(Status.OUT_OF_MEMORY, _one_line(error))
        except ModuleError as error:  # of the user's own code
            return Failure(Status.FAILED, str(error))
        except LambdaArchError as error:
            return Refusal(str(error))
        except Exception as error:
            return Failure(Status.OUT_OF_MEMORY if _is_out_of_memory(error) else Status.FAILED, _one_line(error))

    def _answer(self, request: Request) -> Reply:
        match request:
            case DevicesRequest():
                return DeviceNames(tuple(device_names()))
            case MachineRequest():
                return describe_machine(request.device)
            case PeaksRequest():
                return Peaks(tuple(measure_peaks(request.device, request.threads, request.seconds)))
            case LoadRequest():
                return self._load(request)
            case SampleRequest():
                assert self._sampler is not None, "nothing is loaded"
                return self._sampler.sample(request.seconds)

    def _load(self, request: LoadRequest) -> LoadReply:
        for extension in request.extensions:
            if extension.folder not in sys.path:
                sys.path.append(extension.folder)  # at the end, so that it hides no other module
            register(extension.name)
        check_present(request.setup.device)
        for name in {rate.device_name for rate in request.rates}:
            found = Ceilings.of({rate.kind: rate.rate for rate in request.rates if rate.device_name == name})
            if found is not None:
                remember(name, found)
        self._sampler = None
        gc.collect()
        if request.setup.kind == "cpu":
            limit_memory(request.memory)
        network = read_reference(request.architecture) if request.location else parse(request.architecture)
        self._sampler = Sampler(network, request.setup, request.location, by_part=request.by_part)
        return self._sampler.warm_up(request.warmup)


def _is_out_of_memory(error: Exception) -> bool:
    text = str(error).lower()
    return isinstance(error, torch.OutOfMemoryError) or any(words in text for words in OUT_OF_MEMORY)


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    text = re.sub(
        r"\[enforce fail at .* (you tried to allocate \d+ bytes)\..*", r"\1", text
    )  # torch's allocator on a CPU
    return f"{type(error).__name__}: {text[:REASON]}"
