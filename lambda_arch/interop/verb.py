"""The verb ``count``, of named architectures and of any torch module. No torch unless a module is counted."""

from typing import TYPE_CHECKING, Any, overload

from lambda_arch.arch import Architecture
from lambda_arch.costs import Ledger
from lambda_arch.costs import count as count_architecture
from lambda_arch.costs.backward import Mode
from lambda_arch.errors import ArchitectureError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor, nn

    from lambda_arch.interop.counting import ModuleLedger


@overload
def count(
    architecture: Architecture | str, *, image_size: int | None = None, mode: Mode = "inference", **settings: object
) -> Ledger: ...


@overload
def count(architecture: "nn.Module", example_input: "Tensor | Sequence[Tensor]") -> "ModuleLedger": ...


def count(
    architecture: Any,
    example_input: Any = None,
    *,
    image_size: int | None = None,
    mode: Mode = "inference",
    **settings: object,
) -> Any:
    """Return the ledger of an ``architecture``, of its name, or of any torch module: one row per module.

    An architecture is counted in closed form, for one image of ``image_size`` pixels a side (its own unless given),
    with ``settings`` such as ``k=8`` on top of its name; ``mode``: ``train`` counts the MACs of a training step,
    forward and backward pass of the canonical evaluation. An ``nn.Module`` is run on ``example_input`` (a tensor, or
    several) by fvcore and by torch's counter: see :func:`lambda_arch.interop.count_module`.

    Raises :class:`ArchitectureError` for what is no architecture, and :class:`ModuleError`, which is one, for a module
    that does not run on its input; :class:`SetupError` for another mode.
    """
    if example_input is None and (isinstance(architecture, str) or hasattr(architecture, "parts")):
        return count_architecture(architecture, image_size=image_size, mode=mode, **settings)
    given = (
        {"image_size": image_size} if image_size is not None else {"mode": mode} if mode != "inference" else settings
    )
    if given:
        option = next(iter(given))
        raise ArchitectureError(f"{option}: is for architectures by name; expected none with an example_input")
    from lambda_arch.interop.counting import count_module

    return count_module(architecture, example_input)
