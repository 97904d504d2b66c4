"""Conversion of trained weights from the layouts of other code to our networks."""

from lambda_arch.nn.conversion.from_checkpoint import Conversion, Leftovers, convert
from lambda_arch.nn.conversion.layouts import LAYOUTS

__all__ = ["LAYOUTS", "Conversion", "Leftovers", "convert"]
