"""Further numbers of every feature, from tables that some runs make."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from featurelens.atlas.material import Material


def measures_of(material: Material) -> dict[str, NDArray[np.float64]]:
    """Numbers of every feature by name, NaN where one is not known; empty where a run has none."""
    found = {
        name: material.features.var[name].to_numpy(dtype=float)
        for name in ("tau", "entropy")
        if name in material.features.var
    }
    catalogue = material.tables.get("catalogue")
    if catalogue is not None:
        of = catalogue.set_index(catalogue["feature"].astype(str))
        own = of.reindex(material.features.var_names)
        for name in ("stability", "stability_random"):
            if own[name].notna().any():
                found[name] = own[name].to_numpy(dtype=float)
    return found
