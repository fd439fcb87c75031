"""Further numbers of every feature, from tables that some runs make."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from featurelens.atlas.material import Material


def measures_of(material: Material) -> dict[str, NDArray[np.float64]]:
    """Numbers of every feature by name, NaN where one is not known; empty where a run has none."""
    found: dict[str, NDArray[np.float64]] = {}
    for name in ("entropy", "tau", "stability"):
        if name in material.features.var:
            found[name] = material.features.var[name].to_numpy(dtype=float)
    table = material.tables.get("stability")
    if table is not None and "stability" in table:
        by = pd.Series(table["stability"].to_numpy(float), index=table["feature"].astype(str))
        found["stability"] = by.reindex(material.features.var_names).to_numpy(dtype=float)
    return found
