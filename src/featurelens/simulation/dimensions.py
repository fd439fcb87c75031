"""What can be said of the paper's large simulation at its true size without training anything.

Y = X'' Mᵀ has 20,000 genes but the rank of its 100 programs, so its principal components come from
a matrix of 100 by 100.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import linalg

if TYPE_CHECKING:
    from anndata import AnnData


SHARES = (0.9, 0.95, 0.99, 0.999999)
"""Shares of the variance for which the author counts components (his notebook on dimensions)."""


def component_variances(programs_active: np.ndarray, connectivity: np.ndarray) -> np.ndarray:
    """Variances of the principal components of Y = X'' Mᵀ, largest first.

    With the covariance C = L Lᵀ of X'', that of Y is M C Mᵀ, whose eigenvalues other than zero are
    those of Lᵀ Mᵀ M L.

    Parameters
    ----------
    programs_active : (n_cells, n_programs)
        X''.
    connectivity : (n_genes, n_programs)
        M.

    Returns
    -------
    (n_programs,) float64, divided by n_cells - 1 as scikit-learn's PCA does
    """
    edges = connectivity.astype(np.float64)
    spread, axes = linalg.eigh(np.cov(programs_active, rowvar=False, dtype=np.float64))
    root = axes * np.sqrt(spread.clip(min=0))
    return linalg.eigvalsh(root.T @ (edges.T @ edges) @ root)[::-1].clip(min=0)


def intrinsic_dimension(data: AnnData, *, shares: Sequence[float] = SHARES) -> pd.DataFrame:
    """Principal components of Y that hold given shares of its variance.

    Parameters
    ----------
    data
        Hierarchical simulation, its Y stored or not.
    shares
        Of the variance.

    Returns
    -------
    DataFrame
        n_cells, n_genes, share_of_variance, n_components (the fewest that hold at least the share)
        and n_components_published (the most that hold less: the author's notebook gives the place
        of the last one counted from zero).
    """
    programs, edges = data.obsm["programs_active"], data.varm["connectivity"]
    variances = component_variances(np.asarray(programs), np.asarray(edges))
    held = np.cumsum(variances) / variances.sum()
    short = np.searchsorted(held, shares)
    return pd.DataFrame(
        {
            "n_cells": data.n_obs,
            "n_genes": data.n_vars,
            "share_of_variance": list(shares),
            "n_components": short + 1,
            "n_components_published": short,
        }
    )
