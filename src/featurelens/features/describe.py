"""What each SAE feature is: how often it is active, in which cell types, how strongly.

Two rules for locality stand side by side. ``type_published`` follows the author
(``singlecell/04_sae_stats.py``): a feature is significant in a cell type if
``m_in - m_out > 1.96 (se_in + se_out)``. ``type`` takes Welch's one-sided t-test and controls the
false discovery rate over all live features and types. Either way a feature is local with one such
type, regional with more, global with none, and dead if it is never active.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import linalg, sparse

from featurelens.features.config import FeatureConfig
from featurelens.features.locality import (
    pooled_effects,
    significant_published,
    type_moments,
    welch_q,
)
from featurelens.features.main_type import main_types

if TYPE_CHECKING:
    import anndata


def describe_features(
    activations: sparse.csr_matrix,
    cells: anndata.AnnData,
    config: FeatureConfig,
    *,
    directions: np.ndarray | None = None,
) -> anndata.AnnData:
    """Statistics of every feature, in an AnnData that any scanpy function works on.

    Parameters
    ----------
    activations
        (n_cells, n_features) CSR, rows in the order of ``cells``.
    cells
        Cells of a bundle: obs with cell_type; ``obsm['X_emb']``.
    config
        Thresholds.
    directions
        What each feature adds to the embedding, (n_features, d), where it adds something: rows of
        an SAE's decoder.

    Returns
    -------
    anndata.AnnData
        Cells x features. ``X`` activations; obs and ``obsm['X_emb']`` of the cells;
        ``obsm['X_pca']`` first two principal components of the embedding (paper, Figure 2), axes
        in ``uns['pca']``. var: n_active and fraction_active (cells with a non-zero activation),
        mean, max, type_published, type, n_types_published and n_types (cell types in which the
        feature is significant), and the type that it is named for with its share, support, effect
        ((m_in - m_out) / pooled sd), q, or the reason why there is none
        (:func:`featurelens.features.main_type.main_types`).
        varm, features x ``uns['cell_types']``: type_means, type_effects, type_q, significant,
        significant_published; directions, as given.

    Raises
    ------
    ValueError
        If activations and cells differ in number.
    """
    import anndata

    if activations.shape[0] != cells.n_obs:
        raise ValueError(f"{activations.shape[0]} rows of activations for {cells.n_obs} cells")
    activations = sparse.csr_matrix(activations, dtype=np.float32)
    if not activations.data.all():
        activations = activations.copy()
        activations.eliminate_zeros()
    cell_types = cells.obs["cell_type"].cat.remove_unused_categories()
    names = np.asarray(cell_types.cat.categories, dtype=object)
    statistics = _describe(activations)
    live = statistics["n_active"] > 0

    codes = cell_types.cat.codes.to_numpy()
    moments = type_moments(activations, codes, n_types=len(names))
    published = significant_published(moments, z=config.z)
    q = welch_q(moments)
    significant = q < config.alpha
    effects = pooled_effects(moments)
    axes = principal_axes(cells.obsm["X_emb"])

    return anndata.AnnData(
        X=activations,
        obs=cells.obs.copy(),
        var=pd.DataFrame(
            statistics
            | _locality(published, live, suffix="_published")
            | _locality(significant, live, suffix="")
            | main_types(
                activations, codes, names, moments=moments, effects=effects, q=q, config=config
            ),
            index=pd.RangeIndex(activations.shape[1]).astype(str),
        ),
        obsm={"X_emb": cells.obsm["X_emb"], "X_pca": project(cells.obsm["X_emb"], axes)},
        varm={
            "type_means": moments.inside.mean.T,
            "type_effects": effects.T,
            "type_q": q.T,
            "significant": significant.T,
            "significant_published": published.T,
            **({} if directions is None else {"directions": directions}),
        },
        uns={"cell_types": names, "pca": axes},
    )


def principal_axes(embedding: np.ndarray) -> dict[str, np.ndarray]:
    """Mean (d,) and first two principal axes (2, d) of an embedding, unscaled (paper, Figure 2).

    Signs are fixed by the largest loading. A one-dimensional embedding has a second axis of zeros.
    """
    wide = embedding.astype(np.float64)
    mean = wide.mean(axis=0)
    found = linalg.svd(wide - mean, full_matrices=False)[2][:2]
    largest = np.take_along_axis(found, np.abs(found).argmax(axis=1)[:, None], axis=1)
    axes = np.zeros((2, embedding.shape[1]))
    axes[: len(found)] = found * np.sign(largest)
    return {"mean": mean, "axes": axes}


def project(embedding: np.ndarray, axes: dict[str, np.ndarray]) -> np.ndarray:
    """Coordinates (n, 2) on the axes of :func:`principal_axes`."""
    return (embedding - axes["mean"]) @ axes["axes"].T


def _describe(activations: sparse.csr_matrix) -> dict[str, Any]:
    n_cells, n_features = activations.shape
    n_active = np.bincount(activations.indices, minlength=n_features)
    # scipy sums float32 in float32, whatever dtype is asked for.
    total = np.bincount(activations.indices, activations.data, minlength=n_features)
    return {
        "n_active": n_active,
        "fraction_active": n_active / n_cells,
        "mean": total / n_cells,
        "max": activations.max(axis=0).toarray().ravel(),
    }


def _locality(significant: np.ndarray, live: np.ndarray, *, suffix: str) -> dict[str, Any]:
    n = significant.sum(axis=0)
    locality = np.select([~live, n == 1, n > 1], ["dead", "local", "regional"], "global")
    return {
        f"type{suffix}": pd.Categorical(locality, ["local", "regional", "global", "dead"]),
        f"n_types{suffix}": n,
    }
