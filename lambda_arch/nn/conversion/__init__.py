"""Weights that people have, from the layout of the code that made them to that of our networks."""

from lambda_arch.nn.conversion.from_checkpoint import Conversion, Leftovers, convert
from lambda_arch.nn.conversion.layouts import LAYOUTS

__all__ = ["LAYOUTS", "Conversion", "Leftovers", "convert"]
