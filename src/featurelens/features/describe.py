"""What each SAE feature is: how often it is active, in which cell types, how strongly.

Two rules for locality stand side by side. ``type_published`` follows the author
(``singlecell/04_sae_stats.py``): a feature is significant in a cell type if
``m_in - m_out > 1.96 (se_in + se_out)``; it is local with one such type, regional with more, global
with none. ``type`` goes by size (:mod:`featurelens.features.high_types`). Either way a feature is
dead if it is never active. What both rules make of shuffled labels stands beside them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import linalg, sparse

from featurelens.datasets.unknown_types import UNKNOWN
from featurelens.features.activations import by_features
from featurelens.features.breadth import type_entropy, type_specificity
from featurelens.features.config import FeatureConfig
from featurelens.features.high_types import LOCALITY, distinct_cells, high_types, shuffled
from featurelens.features.locality import (
    moments_of_parts,
    pooled_effects,
    significant_published,
    welch_q,
)
from featurelens.features.main_type import main_types

if TYPE_CHECKING:
    import anndata


_DECOMPOSED = 2**24
"""Values of an embedding above which its axes come from its covariance, in a third of the memory;
they differ in the last digits."""


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
        Cells of a bundle: obs with cell_type; ``obsm['X_emb']``. What concerns types is of the
        cells whose type is known; the others are the type unknown, which has means alone.
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
        mean, max, entropy (bits) and tau over types (:mod:`featurelens.features.breadth`),
        type_published, type, n_types_published and n_types (cell types in which the feature is
        significant, or high), type_published_shuffled and type_shuffled (the same rules on
        shuffled labels), q_locality and runner_up (:class:`featurelens.features.high_types.
        HighTypes`), and the type that it is named for with its share, support, effect
        ((m_in - m_out) / pooled sd), q, or the reason why there is none
        (:func:`featurelens.features.main_type.main_types`).
        varm, features x ``uns['cell_types']``: type_means, type_effects, type_q, type_z,
        significant (high, under the corrected rule), significant_published; directions, as given.

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
    typed = _typed(cells.obs["cell_type"])
    cell_types = cells.obs["cell_type"].iloc[typed].cat.remove_unused_categories()
    names = np.asarray(cell_types.cat.categories, dtype=object)
    every = np.asarray(
        cells.obs["cell_type"].cat.remove_unused_categories().cat.categories, dtype=object
    )
    statistics = _describe(activations)
    live = statistics["n_active"] > 0

    codes = cell_types.cat.codes.to_numpy()
    strata = _strata(cells.obs)[typed]
    embedding, of_types = cells.obsm["X_emb"], activations
    if len(typed) < len(cells):
        embedding, of_types = embedding[typed], activations[typed]
    once = distinct_cells(embedding, codes, strata)
    moments = moments_of_parts(by_features(of_types), codes, n_types=len(names))
    published = significant_published(moments, z=config.z)
    found = high_types(
        of_types,
        codes,
        n_types=len(names),
        distinct=once,
        strata=strata,
        config=config,
    )
    labels = shuffled(codes[once], strata[once], np.random.default_rng(config.seed))
    of_distinct = (part[once] for part in by_features(of_types))
    of_shuffled = significant_published(
        moments_of_parts(of_distinct, labels, n_types=len(names)), z=config.z
    )
    q, effects = welch_q(moments), pooled_effects(moments)
    means = moments.inside.mean.T
    axes = principal_axes(cells.obsm["X_emb"])
    others = _activation_of_others(activations, typed)
    main = main_types(
        of_types,
        codes,
        names,
        moments=moments,
        effects=effects,
        q=q,
        config=config,
        elsewhere=others,
    )
    n_others = cells.n_obs - len(typed)

    def of_all(values: np.ndarray, fill: Any) -> np.ndarray:
        """Rows of known types as (n_features, n_types), with what stands for unknown ones."""
        if not n_others:
            return values.T
        return np.insert(values, every.tolist().index(UNKNOWN), fill, axis=0).T

    return anndata.AnnData(
        X=activations,
        obs=cells.obs.copy(),
        var=pd.DataFrame(
            statistics
            | {"entropy": type_entropy(means), "tau": type_specificity(means)}
            | {"type_published": _published(published, live)}
            | {"n_types_published": published.sum(axis=0)}
            | {"type": _kinds(_unless_live(found.locality, live))}
            | {"n_types": found.high.sum(axis=0)}
            | {"q_locality": found.q, "runner_up": found.runner_up}
            | {**main, "top_cell_type": main["top_cell_type"].set_categories(every)}
            | {
                "type_published_shuffled": _published(of_shuffled, live),
                "type_shuffled": _kinds(_unless_live(found.shuffled, live)),
            },
            index=pd.RangeIndex(activations.shape[1]).astype(str),
        ),
        obsm={"X_emb": cells.obsm["X_emb"], "X_pca": project(cells.obsm["X_emb"], axes)},
        varm={
            "type_means": of_all(means.T, others / max(n_others, 1)),
            "type_effects": of_all(effects, np.nan),
            "type_q": of_all(q, np.nan),
            "type_z": of_all(found.z, np.nan),
            "significant": of_all(found.high, False),
            "significant_published": of_all(published, False),
            **({} if directions is None else {"directions": directions}),
        },
        uns={"cell_types": every, "pca": axes},
    )


def principal_axes(embedding: np.ndarray) -> dict[str, np.ndarray]:
    """Mean (d,) and first two principal axes (2, d) of an embedding, unscaled (paper, Figure 2).

    Signs are fixed by the largest loading. A one-dimensional embedding has a second axis of zeros.
    """
    if embedding.size > _DECOMPOSED:
        mean = embedding.mean(axis=0, dtype=np.float64)
        scatter = np.zeros((embedding.shape[1], embedding.shape[1]))
        for part in _parts(embedding):
            wide = part - mean
            scatter += wide.T @ wide
        found = linalg.eigh(scatter)[1].T[::-1][:2]
    else:
        wide = embedding.astype(np.float64)
        mean = wide.mean(axis=0)
        wide -= mean
        found = linalg.svd(wide, full_matrices=False)[2][:2]
    largest = np.take_along_axis(found, np.abs(found).argmax(axis=1)[:, None], axis=1)
    axes = np.zeros((2, embedding.shape[1]))
    axes[: len(found)] = found * np.sign(largest)
    return {"mean": mean, "axes": axes}


def project(embedding: np.ndarray, axes: dict[str, np.ndarray]) -> np.ndarray:
    """Coordinates (n, 2) on the axes of :func:`principal_axes`."""
    parts = _parts(embedding) if embedding.size > _DECOMPOSED else [embedding]
    return np.concatenate([(part - axes["mean"]) @ axes["axes"].T for part in parts])


def _parts(embedding: np.ndarray) -> Iterator[np.ndarray]:
    """Rows of an embedding, a sixteenth of what is decomposed as a whole at a time."""
    n_rows = max(1, _DECOMPOSED // 16 // embedding.shape[1])
    for start in range(0, len(embedding), n_rows):
        yield embedding[start : start + n_rows]


def _describe(activations: sparse.csr_matrix) -> dict[str, Any]:
    n_cells = activations.shape[0]
    parts = []
    for part in by_features(activations):
        n_active = np.bincount(part.indices, minlength=part.shape[1])
        # scipy sums float32 in float32, whatever dtype is asked for.
        total = np.bincount(part.indices, part.data, minlength=part.shape[1])
        parts.append((n_active, total, part.max(axis=0).toarray().ravel()))
    n_active, total, highest = (np.concatenate(values) for values in zip(*parts, strict=True))
    return {
        "n_active": n_active,
        "fraction_active": n_active / n_cells,
        "mean": total / n_cells,
        "max": highest,
    }


def _typed(cell_types: pd.Series) -> np.ndarray:
    """Rows of the cells whose type is known; all of them where none is."""
    known = (cell_types.astype(str) != UNKNOWN).to_numpy()
    return np.flatnonzero(known if known.any() else ~known)


def _activation_of_others(activations: sparse.csr_matrix, typed: np.ndarray) -> np.ndarray:
    """Summed activation of the cells that are of no known type, (n_features,)."""
    others = np.ones(activations.shape[0], dtype=np.float64)
    others[typed] = 0
    return activations.T @ others


def _unless_live(locality: np.ndarray, live: np.ndarray) -> np.ndarray:
    """Features that are active in cells of no known type alone are not dead, but stand out in no
    type.
    """
    return np.where((locality == "dead") & live, "global", locality)


def _strata(obs: pd.DataFrame) -> np.ndarray:
    """A number for each cell's batch; one for all where there is no such column."""
    if "batch" not in obs:
        return np.zeros(len(obs), dtype=np.int64)
    return pd.factorize(obs["batch"], sort=True)[0]


def _published(significant: np.ndarray, live: np.ndarray) -> pd.Categorical:
    n = significant.sum(axis=0)
    return _kinds(np.select([~live, n == 1, n > 1], ["dead", "local", "regional"], "global"))


def _kinds(locality: np.ndarray) -> pd.Categorical:
    return pd.Categorical(locality, LOCALITY)
