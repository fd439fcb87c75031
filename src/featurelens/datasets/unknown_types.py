"""Labels of cells that say nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd

UNKNOWN = "unknown"
"""What all cells are called whose label says nothing. It is no type: no feature is named for it or
counted in it, and within types its cells are compared with none."""
SAYING_NOTHING = frozenset(
    {
        *("unknown", "na", "n/a", "none", "not available", "not applicable", "undetermined"),
        *("unassigned", "unannotated", "unclassified", "unidentified", "unlabeled", "unlabelled"),
    }
)
"""Labels, in lower case, that stand where a cell's type is not known; CELLxGENE writes the first
two."""
ALL = "all"
"""The one type or batch of cells of which no other is given."""


def known_types(labels: pd.Series) -> pd.Series:
    """Labels as text, (n,), those that say nothing as :data:`UNKNOWN`.

    Examples
    --------
    >>> known_types(pd.Series(["T cell", "na", "Unknown"])).tolist()
    ['T cell', 'unknown', 'unknown']
    """
    texts = labels.astype(str)
    names = texts.unique()
    silent = [name for name in names if name.strip().lower() in SAYING_NOTHING]
    return texts.mask(texts.isin(silent), UNKNOWN) if silent else texts


def alone_if_unknown(groups: np.ndarray, cell_types: np.ndarray) -> np.ndarray:
    """Groups of cells, (n,) from 0, in which every cell of unknown type is one by itself.

    Examples
    --------
    >>> alone_if_unknown(np.array([0, 1, 1, 0]), np.array(["T", "unknown", "unknown", "T"]))
    array([0, 2, 3, 0])
    """
    silent = np.asarray(cell_types).astype(str) == UNKNOWN
    if not silent.any():
        return groups
    made = groups.copy()
    made[silent] = groups.max() + 1 + np.arange(silent.sum())
    return made
