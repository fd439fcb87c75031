"""Arrays that every statistic takes and gives."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
"""Doubles of any shape."""
