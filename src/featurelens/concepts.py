"""Concept space: features by the gene sets they carry, laid out in the plane (paper Figure 3)."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
import pandas as pd
from annotated_types import Ge, Gt
from numpy.typing import NDArray
from scipy import sparse

from featurelens.io import InputError
from featurelens.options import STRICT
from featurelens.term_filters import HIGHER, Filter

if TYPE_CHECKING:
    import anndata

MIN_FOR_UMAP = 5
"""Fewer features are laid out by principal components: UMAP has no neighbours to work with."""

_NO_SPECTRUM = "Spectral initialisation failed!"


@dataclass(frozen=True, kw_only=True)
class ConceptConfig:
    """Which terms make the concept space, and the parameters of its UMAP."""

    __pydantic_config__ = STRICT

    filter: Filter = "kept_fdr"
    """Column of the enrichment table that says which terms a feature carries."""
    direction: Literal["up", "any"] = "up"
    """Whether only terms that the high cells have more of count, or any (as published)."""
    min_dist: Annotated[float, Ge(0)] = 1.0
    """UMAP: least distance between points; not above spread."""
    n_neighbors: Annotated[int, Ge(2)] = 10
    """UMAP: neighbours of a feature; at most one fewer than there are features."""
    spread: Annotated[float, Gt(0)] = 10.0
    """UMAP: scale of the layout."""
    seed: int = 0
    """Seed of the layout."""

    def __post_init__(self) -> None:
        if self.min_dist > self.spread:
            raise ValueError(f"min_dist {self.min_dist} is above spread {self.spread}")


def map_concepts(
    enrichment: pd.DataFrame, features_var: pd.DataFrame, config: ConceptConfig
) -> anndata.AnnData:
    """Features x terms as a binary matrix, with labels and a layout.

    Parameters
    ----------
    enrichment
        Of ``enrichment.enrich``; rows where ``config.filter`` is true, of the configured
        direction, are used.
    features_var
        Table of features (index: their names) with columns n_active and type.

    Returns
    -------
    AnnData
        Annotated features x terms that some feature carries, CSR of zeros and ones. obs: n_terms,
        label (most frequent category of the feature's terms, ties to the first by name), n_active,
        type. var: category, n_features. obsm ``X_umap`` (n, 2); ``uns['layout']`` says ``umap``,
        ``umap from a random start`` (the features hardly differ, so that the graph has no spectrum
        to start from), ``pca`` (too few features for UMAP) or ``none`` (no feature is annotated).

    Raises
    ------
    InputError
        If a feature of the table is not among ``features_var``.
    """
    chosen = enrichment[config.filter].to_numpy(dtype=bool)
    if config.direction == "up":
        chosen = chosen & enrichment["direction"].isin(HIGHER).to_numpy()
    kept = enrichment.loc[chosen, ["feature", "term", "category"]]
    kept = kept.astype(str).drop_duplicates(["feature", "term"])
    features = [name for name in features_var.index.astype(str) if name in set(kept["feature"])]
    terms = kept.drop_duplicates("term").set_index("term")["category"].sort_index()
    if len(features) < kept["feature"].nunique():
        unknown = sorted(set(kept["feature"]) - set(features))[0]
        raise InputError(
            f"feature {unknown!r} of the enrichment table is not among the features; "
            "make both from the same SAE"
        )
    import anndata

    matrix = _binary(kept, features, terms.index)
    adata = anndata.AnnData(
        matrix,
        obs=_describe(kept, features, features_var),
        var=pd.DataFrame(
            {"category": terms, "n_features": np.asarray(matrix.sum(axis=0)).ravel().astype(int)}
        ),
    )
    adata.obsm["X_umap"], adata.uns["layout"] = _layout(matrix, config)
    adata.uns["filter"] = config.filter
    return adata


def top_terms(concepts: anndata.AnnData) -> pd.DataFrame:
    """How many features carry each term, most frequent first (Table S7).

    Returns
    -------
    DataFrame
        rank, term, category, n_features, share (of annotated features).
    """
    table = concepts.var.rename_axis("term").reset_index()
    table = table.sort_values(["n_features", "term"], ascending=[False, True], ignore_index=True)
    table["share"] = table["n_features"] / max(concepts.n_obs, 1)
    table.insert(0, "rank", np.arange(1, len(table) + 1))
    return table


def _binary(kept: pd.DataFrame, features: list[str], terms: pd.Index) -> sparse.csr_matrix:
    rows = pd.Index(features, dtype=object).get_indexer(pd.Index(kept["feature"]))
    columns = terms.get_indexer(pd.Index(kept["term"]))
    ones = np.ones(len(kept), dtype=np.float32)
    matrix = sparse.csr_matrix((ones, (rows, columns)), shape=(len(features), len(terms)))
    matrix.sort_indices()
    return matrix


def _describe(kept: pd.DataFrame, features: list[str], var: pd.DataFrame) -> pd.DataFrame:
    counts = kept.groupby(["feature", "category"]).size().rename("n").reset_index()
    counts = counts.sort_values(["feature", "n", "category"], ascending=[True, False, True])
    labels = counts.drop_duplicates("feature").set_index("feature")["category"]
    obs = pd.DataFrame(index=pd.Index(features, dtype=object))
    obs["n_terms"] = kept["feature"].value_counts().reindex(obs.index).to_numpy(dtype=int)
    obs["label"] = pd.Categorical(labels.reindex(obs.index))
    named = var.set_axis(var.index.astype(str))
    for column in ("n_active", "type"):
        obs[column] = named.loc[features, column].to_numpy()
    return obs


def _layout(matrix: sparse.csr_matrix, config: ConceptConfig) -> tuple[NDArray, str]:
    n_features = matrix.shape[0]
    if n_features == 0:
        return np.zeros((0, 2), dtype=np.float32), "none"
    if n_features < MIN_FOR_UMAP:
        return _principal_axes(matrix), "pca"
    try:
        return _umap(matrix, config, "spectral"), "umap"
    except UserWarning as warning:
        if not str(warning).startswith(_NO_SPECTRUM):
            raise
        return _umap(matrix, config, "random"), "umap from a random start"


def _principal_axes(matrix: sparse.csr_matrix) -> NDArray:
    """First two principal components, zeros where there are fewer; signs fixed."""
    dense = matrix.toarray().astype(np.float64)
    left, size, _ = np.linalg.svd(dense - dense.mean(axis=0), full_matrices=False)
    scores = (left * size)[:, :2]
    strongest = np.abs(scores).argmax(axis=0)
    scores = scores * np.where(scores[strongest, np.arange(scores.shape[1])] < 0, -1, 1)
    place = np.zeros((len(dense), 2), dtype=np.float32)
    place[:, : scores.shape[1]] = scores
    return place


def _umap(matrix: sparse.csr_matrix, config: ConceptConfig, start: str) -> NDArray:
    # Compiling UMAP takes seconds; nobody pays for it who does not draw.
    with warnings.catch_warnings():
        # A variant of UMAP that is not used here wants TensorFlow.
        warnings.filterwarnings("ignore", message="Tensorflow not installed")
        from umap import UMAP

    model = UMAP(
        n_neighbors=min(config.n_neighbors, matrix.shape[0] - 1),
        min_dist=config.min_dist,
        spread=config.spread,
        init=start,
        random_state=config.seed,
        n_jobs=1,
    )
    # With a wide spread UMAP's curve fit tries exponents that divide by zero at distance 0.
    with np.errstate(divide="ignore"), warnings.catch_warnings():
        # Features without a common term fall apart into islands, which UMAP places one by one.
        warnings.filterwarnings("ignore", message="Graph is not fully connected")
        warnings.filterwarnings("error", message=_NO_SPECTRUM)
        return np.asarray(model.fit_transform(matrix.toarray()), dtype=np.float32)
