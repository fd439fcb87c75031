"""A second modality in high and low cells, by two measures of a cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from featurelens.features.high_types import shuffled

if TYPE_CHECKING:
    import anndata

N_SHUFFLES = 999
MEASURES = ("mean", "share_open")
COMPARED = ("mean_high", "sem_high", "mean_low", "sem_low", "p_shuffled")
"""What stands of each measure."""


def compare_modality(
    high: NDArray[np.int64], low: NDArray[np.int64], modality: anndata.AnnData, batches: NDArray
) -> list[dict[str, Any]]:
    """Both measures between high and low cells.

    Parameters
    ----------
    high, low
        Rows of the cells.
    modality
        (n_cells, n_columns).
    batches
        Of all cells, (n_cells,); cells change places within them.

    Returns
    -------
    list of dict
        measure, and :data:`COMPARED`.
    """
    cells = np.concatenate([high, low])
    values = sparse.csr_matrix(modality.X)[cells]
    of_cells = {
        "mean": np.asarray(values.mean(axis=1), dtype=np.float64).ravel(),
        "share_open": np.diff(values.indptr) / values.shape[1],
    }
    is_high = np.repeat([1, 0], [len(high), len(low)])
    strata = pd.factorize(batches[cells], sort=True)[0]
    return [{"measure": name} | _apart(of_cells[name], is_high, strata) for name in MEASURES]


def _apart(
    values: NDArray[np.float64], is_high: NDArray[np.integer], strata: NDArray[np.integer]
) -> dict[str, float]:
    """Means with standard errors, and how often shuffled cells are as far apart."""
    sides = {"high": values[is_high == 1], "low": values[is_high == 0]}
    rng = np.random.default_rng(0)
    apart = sides["high"].mean() - sides["low"].mean()
    null = np.empty(N_SHUFFLES)
    for number in range(N_SHUFFLES):
        moved = shuffled(is_high, strata, rng)
        null[number] = values[moved == 1].mean() - values[moved == 0].mean()
    found = {f"mean_{side}": own.mean() for side, own in sides.items()}
    found |= {f"sem_{side}": own.std(ddof=1) / np.sqrt(len(own)) for side, own in sides.items()}
    as_far = np.abs(null) >= np.abs(apart) * (1 - 1e-9)
    return found | {"p_shuffled": (1 + as_far.sum()) / (1 + N_SHUFFLES)}
