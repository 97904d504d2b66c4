"""Weights in safetensors files that name their architecture."""

import json
from pathlib import Path

import torch
from torch import Tensor, nn

from lambda_arch.errors import ArchitectureError, DataError, shown
from lambda_arch.nn.building import build
from lambda_arch.nn.lambda_layer import LambdaLayer
from lambda_arch.nn.network import Network
from lambda_arch.nn.tensor_files import check_buildable, read_safetensors

ARCHITECTURE = "architecture"
LAMBDA_LAYER = "lambda_layer"
"""Keys of a file's metadata: the canonical name of a network, or the arguments of a lambda layer as JSON."""


def to_safetensors(module: Network | LambdaLayer) -> bytes:
    """Return the content of a safetensors file of ``module``, which :func:`load` reads.

    It names its architecture, and has every shared tensor once. No errors are raised.
    """
    from safetensors.torch import save

    if isinstance(module, LambdaLayer):
        metadata = {LAMBDA_LAYER: json.dumps(module.arguments)}
    else:
        metadata = {ARCHITECTURE: str(module.architecture)}
    seen: set[int] = set()
    tensors = {}
    for name, tensor in module.state_dict().items():
        shared = tensor.data_ptr() in seen  # shared embeddings: the format requires a tensor of its own for each name
        seen.add(tensor.data_ptr())
        tensors[name] = tensor.clone() if shared else tensor.contiguous()
    return save(tensors, metadata)


def load(path: Path | str, *, device: torch.device | str = "cpu") -> Network | LambdaLayer:
    """Return the network or lambda layer of a file at ``path``, of ``lambda-arch convert`` or ``train``, on ``device``.

    Raises OSError for a file that cannot be opened, and DataError for one that is damaged, does not name its
    architecture, or does not have its tensors.
    """
    path = Path(path)
    state, metadata = read_safetensors(path, str(device))
    module = check_buildable(path, lambda device: _build(path, metadata, device))
    own = len(list(module.parameters())) == len(list(module.named_parameters(remove_duplicate=False)))
    _fill(path, module, state, assign=True)
    if not own:  # shared embeddings must stay shared
        module = _build(path, metadata, device)
        _fill(path, module, state, assign=False)
    return module


def _fill(path: Path, module: nn.Module, state: dict[str, Tensor], *, assign: bool) -> None:
    try:
        missing, unexpected = module.load_state_dict(state, strict=False, assign=assign)
    except RuntimeError as error:  # other shapes
        raise DataError(f"{path}: {shown(' '.join(str(error).split()))}") from None
    for problem, names in (("Unexpected key", unexpected), ("Missing key", missing)):
        if names:
            raise DataError(
                f'{path}: {problem} "{shown(names[0])}", of {len(names)}; expected the tensors of its network'
            )


def _build(path: Path, metadata: dict[str, str], device: torch.device | str) -> Network | LambdaLayer:
    try:
        if ARCHITECTURE in metadata:
            return build(metadata[ARCHITECTURE], device=device)
        if LAMBDA_LAYER in metadata:
            with torch.device(device):
                return LambdaLayer(**json.loads(metadata[LAMBDA_LAYER]))
    except ArchitectureError as error:
        raise DataError(f"{path}: {error}") from None
    except (TypeError, ValueError, RecursionError) as error:
        raise DataError(f"{path}: says no network that can be built ({shown(error)})") from None
    raise DataError(f"{path}: names no architecture in its metadata; expected a file that lambda-arch convert wrote")
