"""The types of the arrays that a search works on."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.int32]
Rows = NDArray[np.intp]
Mask = NDArray[np.bool_]
