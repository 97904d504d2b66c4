"""Our networks in timm: ``lambda_arch.timm.register()``."""

from lambda_arch.interop.timm_models import register

__all__ = ["register"]
