"""The devices of this machine that torch supports."""

import torch

from lambda_arch.errors import SetupError


def device_names() -> list[str]:
    """Return the names of the devices: cpu, cuda:0 and so on, mps."""
    found = ["cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))]
    return [*found, "mps"] if torch.backends.mps.is_available() else found


def check_present(device: str) -> None:
    """Raise :class:`SetupError` unless this machine has ``device``."""
    here = device_names()
    if device not in here:
        raise SetupError(
            f"device={device}: not here; expected {', '.join(here)}; or measure where it is, and "
            "bring the store here with `lambda-arch results merge`"
        )


def select_device(device: str) -> torch.device:
    """Make ``device`` the current one, for CUDA's events and graphs, and return it."""
    found = torch.device(device)
    if found.type == "cuda":
        torch.cuda.set_device(found)
    return found
