"""Types of the arrays in a search."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.int32]
Rows = NDArray[np.intp]
Mask = NDArray[np.bool_]
