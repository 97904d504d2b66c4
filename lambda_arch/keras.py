"""The lambda layer for Keras 3, of the extra ``keras``: ``from lambda_arch.keras import LambdaLayer``.

Raises SetupError if Keras, or the backend that it is set to use, is not installed.
"""

from lambda_arch.errors import SetupError
from lambda_arch.lazy import check_installed

check_installed("keras", "keras")
try:
    from lambda_arch.interop.keras_layer import LambdaLayer
except ModuleNotFoundError as error:
    if error.name not in ("jax", "openvino", "tensorflow"):
        raise
    raise SetupError(
        f"{error.name}, the backend of Keras, is not installed; expected one that is, such as KERAS_BACKEND=torch"
    ) from None

__all__ = ["LambdaLayer"]
