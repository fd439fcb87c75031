"""What each SAE feature is: how often it is active, in which cell types, how strongly.

Two rules for locality stand side by side. ``type_published`` follows the author
(``singlecell/04_sae_stats.py``): a feature is significant in a cell type if
``m_in - m_out > 1.96 (se_in + se_out)``. ``type`` takes Welch's one-sided t-test and controls the
false discovery rate over all live features and types. Either way a feature is local with one such
type, regional with more, global with none, and dead if it is never active.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import pandas as pd
from annotated_types import Gt, Lt
from scipy import sparse

from featurelens.embeddings.checks import require_cell_types
from featurelens.io import InputError
from featurelens.locality import pooled_effects, significant_published, type_moments, welch_q
from featurelens.options import STRICT

if TYPE_CHECKING:
    import anndata


@dataclass(frozen=True, kw_only=True)
class FeatureConfig:
    """Statistics of single features."""

    __pydantic_config__ = STRICT

    alpha: Annotated[float, Gt(0), Lt(1)] = 0.05
    """False discovery rate of the corrected locality."""
    z: Annotated[float, Gt(0)] = 1.96
    """Number of summed standard errors in the published locality."""


def describe_features(
    activations: sparse.csr_matrix, cells: anndata.AnnData, config: FeatureConfig
) -> anndata.AnnData:
    """Statistics of every feature, in an AnnData that any scanpy function works on.

    Parameters
    ----------
    activations
        (n_cells, n_features) CSR, rows in the order of ``cells``.
    cells
        Cells of a bundle: obs cell_type, batch, library; ``obsm['X_emb']``.
    config
        Thresholds.

    Returns
    -------
    anndata.AnnData
        Cells x features. ``X`` activations; obs and ``obsm['X_emb']`` of the cells;
        ``obsm['X_pca']`` first two principal components of the embedding (paper, Figure 2), axes
        in ``uns['pca']``. var: n_active and fraction_active (cells with a non-zero activation),
        mean, max, type_published, type, n_types_published and n_types (cell types in which the
        feature is significant), top_cell_type (largest effect, among the significant types if
        there are any), effect ((m_in - m_out) / pooled sd in that type), q (of that type).
        varm, features x ``uns['cell_types']``: type_means, type_effects, type_q, significant,
        significant_published.

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

    moments = type_moments(activations, cell_types.cat.codes.to_numpy(), n_types=len(names))
    published = significant_published(moments, z=config.z)
    q = welch_q(moments)
    significant = q < config.alpha
    effects = pooled_effects(moments)
    axes = principal_axes(cells.obsm["X_emb"])

    return anndata.AnnData(
        X=activations,
        obs=cells.obs[["cell_type", "batch", "library"]].copy(),
        var=pd.DataFrame(
            statistics
            | _locality(published, live, suffix="_published")
            | _locality(significant, live, suffix="")
            | _top_type(effects, q, significant, names),
            index=pd.RangeIndex(activations.shape[1]).astype(str),
        ),
        obsm={"X_emb": cells.obsm["X_emb"], "X_pca": project(cells.obsm["X_emb"], axes)},
        varm={
            "type_means": moments.inside.mean.T,
            "type_effects": effects.T,
            "type_q": q.T,
            "significant": significant.T,
            "significant_published": published.T,
        },
        uns={"cell_types": names, "pca": axes},
    )


def principal_axes(embedding: np.ndarray) -> dict[str, np.ndarray]:
    """Mean (d,) and first two principal axes (2, d) of an embedding, unscaled (paper, Figure 2).

    Signs are fixed by the largest loading. A one-dimensional embedding has a second axis of zeros.
    """
    from sklearn.decomposition import PCA

    model = PCA(min(2, *embedding.shape), svd_solver="full").fit(embedding.astype(np.float64))
    axes = np.zeros((2, embedding.shape[1]))
    axes[: len(model.components_)] = model.components_
    return {"mean": model.mean_, "axes": axes}


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


def _top_type(
    effects: np.ndarray, q: np.ndarray, significant: np.ndarray, names: np.ndarray
) -> dict[str, Any]:
    eligible = np.where(significant | ~significant.any(axis=0), effects, np.nan)
    known = ~np.isnan(eligible).all(axis=0)
    top = np.argmax(np.nan_to_num(eligible, nan=-np.inf), axis=0)
    columns = np.arange(effects.shape[1])
    return {
        "top_cell_type": pd.Categorical.from_codes(
            np.where(known, top, -1).tolist(), pd.Index(names)
        ),
        "effect": eligible[top, columns],
        "q": np.where(known, q[top, columns], np.nan),
    }


# --- choosing features to steer -----------------------------------------------------------------


def select_features(
    features: anndata.AnnData,
    *,
    directions: np.ndarray,
    origin: str,
    target: str,
    n_local: int = 3,
) -> pd.DataFrame:
    """Choose one global and some local features, by rule instead of by eye.

    The paper narrows 44 candidates to one by looking at where each moves the cells (appendix
    A.3.2). Here the global feature is the global or regional one, active in both types and more so
    in ``target`` (as the paper's rises along the lineage), that carries most of the step from the
    centroid of ``origin`` to that of ``target``:
    ``(mean_target - mean_origin) (direction . step) / |step|^2``, its share of the step where the
    decoder is linear. Local features are significant in exactly one type, which they do not share
    where possible, and have the highest mean activation in it.

    Parameters
    ----------
    features
        Of :func:`describe_features`.
    directions
        Rows of the SAE's decoder, (n_features, d).
    origin, target
        Cell types.
    n_local
        Number of local features; fewer come back if fewer features are live.

    Returns
    -------
    pandas.DataFrame
        feature (its name in ``features.var``), role (global or local), cell_type (the target, or
        the local feature's own type), rank, score (share of the step; mean activation in
        cell_type) and rule, which names the fallback where one was needed.

    Raises
    ------
    InputError
        If a type is not among the cells, or no feature is live.
    """
    require_cell_types(features.obs["cell_type"], (origin, target), "the features: cell_type")
    if not (features.var["type"] != "dead").any():
        raise InputError(
            "no feature is active in any cell; train the SAE longer or with a lower l1"
        )
    chosen = [_select_global(features, directions, origin=origin, target=target)]
    taken = {chosen[0]["feature"]}
    chosen += _select_local(features, n_local=n_local, taken=taken)
    return pd.DataFrame(chosen)


def _select_global(
    features: anndata.AnnData, directions: np.ndarray, *, origin: str, target: str
) -> dict[str, object]:
    labels = features.obs["cell_type"].to_numpy()
    embedding = features.obsm["X_emb"].astype(np.float64)
    step = embedding[labels == target].mean(axis=0) - embedding[labels == origin].mean(axis=0)
    means = pd.DataFrame(features.varm["type_means"], columns=features.uns["cell_types"])
    rise = (means[target] - means[origin]).to_numpy()
    share = rise * (directions.astype(np.float64) @ step) / (step @ step)
    active = ((means[origin] != 0) & (means[target] != 0)).to_numpy()
    wide = features.var["type"].isin(["global", "regional"]).to_numpy()
    live = (features.var["type"] != "dead").to_numpy()
    pools = (
        (
            "global or regional, active in both types and more so in the target, largest share of "
            "the step",
            wide & active & (rise > 0) & (share > 0),
        ),
        ("live, as no wider one leads to the target, largest share of the step", live),
    )
    rule, pool = next((rule, pool) for rule, pool in pools if pool.any())
    best = int(np.argmax(np.where(pool, share, -np.inf)))
    return {
        "feature": features.var_names[best],
        "role": "global",
        "cell_type": target,
        "rank": 1,
        "score": float(share[best]),
        "rule": rule,
    }


def _select_local(
    features: anndata.AnnData, *, n_local: int, taken: set[object]
) -> list[dict[str, object]]:
    chosen: list[dict[str, object]] = []
    for rule, distinct, candidates in _local_pools(features):
        for feature, cell_type, score in candidates.itertuples(index=False):
            shown = distinct and cell_type in [row["cell_type"] for row in chosen]
            if len(chosen) == n_local or feature in taken or shown:
                continue
            taken.add(feature)
            row = {"feature": feature, "role": "local", "cell_type": cell_type}
            chosen.append(row | {"rank": len(chosen) + 1, "score": score, "rule": rule})
    return chosen


def _local_pools(features: anndata.AnnData) -> Iterator[tuple[str, bool, pd.DataFrame]]:
    """Rule, whether types must differ, and candidates by falling mean activation in their type."""
    names = np.asarray(features.uns["cell_types"])
    var, varm = features.var, features.varm

    def ranked(pool: pd.Series, types: np.ndarray) -> pd.DataFrame:
        rows = np.flatnonzero(pool)
        score = varm["type_means"][rows, types[rows]]
        order = np.argsort(-score, kind="stable")
        return pd.DataFrame(
            {
                "feature": features.var_names[rows],
                "cell_type": names[types[rows]],
                "score": score,
            }
        ).iloc[order]

    local = ranked(var["type"] == "local", varm["significant"].argmax(axis=1))
    published = varm["significant_published"].argmax(axis=1)
    yield "local, highest mean, a type of its own", True, local
    yield "local, highest mean, a type already shown", False, local
    by_published_rule = (var["type_published"] == "local") & (var["type"] != "dead")
    yield "local by the published rule only", False, ranked(by_published_rule, published)
    live = var["top_cell_type"].notna()
    yield "live, no local one left", False, ranked(live, var["top_cell_type"].cat.codes.to_numpy())
