"""Features by the cells that activate them: cosine similarity, and a map of it (Figure S23).

The author lays out the rows of the matrix of similarities as if they were coordinates, from no
seed; that is the published map. The corrected one takes the similarity itself: two features are
near if the same cells activate them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse

from featurelens.compiled_umap import import_umap
from featurelens.features.main_type import describe_type

if TYPE_CHECKING:
    import anndata

MIN_DIST, N_NEIGHBOURS = 0.5, 15
"""Parameters of the author's UMAP (``supp_20-22_sc.py``); its spread is umap-learn's."""

VALUES = 2**24
"""Activations above which products of columns are summed over parts of the cells, in a fraction of
the memory; they differ in the last digits."""
FEWEST = 5
"""Fewer live features are laid out by principal components: they have no neighbours to speak of."""


def cosine_similarity(activations: sparse.spmatrix | NDArray) -> NDArray[np.float64]:
    """Cosine similarity of every two columns, (n_features, n_features).

    Parameters
    ----------
    activations
        (n_cells, n_features); no column is zero throughout.

    Examples
    --------
    >>> cosine_similarity(sparse.csc_matrix([[3.0, 1.0], [4.0, 0.0]])).round(3)  # 3 / (5 x 1)
    array([[1. , 0.6],
           [0.6, 1. ]])
    """
    if isinstance(activations, sparse.spmatrix) and activations.nnz > VALUES:
        return _similarity_by_parts(sparse.csr_matrix(activations))
    columns = sparse.csc_matrix(activations, dtype=np.float64)
    norms = np.sqrt(np.asarray(columns.multiply(columns).sum(axis=0)).ravel())
    scaled = columns @ sparse.diags(1 / norms)
    return np.clip((scaled.T @ scaled).toarray(), -1, 1)


def _similarity_by_parts(activations: sparse.csr_matrix) -> NDArray[np.float64]:
    """:func:`cosine_similarity` of very many cells."""
    n_cells, n_features = activations.shape
    products = np.zeros((n_features, n_features))
    step = max(1, n_cells * (VALUES // 8) // activations.nnz)
    for start in range(0, n_cells, step):
        part = activations[start : start + step].astype(np.float64)
        products += (part.T @ part).toarray()
    norms = np.sqrt(np.diag(products))
    products /= norms
    products /= norms[:, None]
    return np.clip(products, -1, 1, out=products)


def map_features(features: anndata.AnnData, *, seed: int = 0) -> anndata.AnnData:
    """Lay out the live features by the cells that activate them.

    Parameters
    ----------
    features
        Of :func:`featurelens.features.describe.describe_features`.
    seed
        Of both layouts.

    Returns
    -------
    anndata.AnnData
        Live features without variables. obs: type, type_published, n_active, and main_type (with
        the share, as titles write it). obsm: ``X_umap_published``, UMAP of the rows of the matrix
        of cosine similarities, and ``X_umap``, UMAP by the distance 1 - similarity; (n_live, 2).
        uns: layout ("umap", or "pca" where there are fewer than :data:`FEWEST`).
    """
    import anndata

    live = (features.var["n_active"] > 0).to_numpy()
    var = features.var[live]
    obs = var[["type", "type_published", "n_active"]].copy()
    obs["main_type"] = [describe_type(row) for _, row in var.iterrows()]
    similarity = cosine_similarity(features.X[:, live])
    start = _principal_axes(similarity)
    enough = len(obs) >= FEWEST
    layouts = {
        name: _umap(distances, start, seed) if enough else start
        for name, distances in (
            ("X_umap_published", _between_rows(similarity)),
            ("X_umap", 1 - similarity),
        )
    }
    return anndata.AnnData(
        obs=obs,
        obsm={name: layout.astype(np.float32) for name, layout in layouts.items()},
        uns={"layout": "umap" if enough else "pca"},
    )


def _between_rows(similarity: NDArray[np.float64]) -> NDArray[np.float64]:
    """Euclidean distances of the rows of a symmetric matrix."""
    product = similarity @ similarity
    square = np.diag(product)
    squared = square[:, None] + square[None, :] - 2 * product
    np.fill_diagonal(squared, 0)
    return np.sqrt(np.clip(squared, 0, None))


def _principal_axes(similarity: NDArray[np.float64]) -> NDArray[np.float64]:
    """First two coordinates of classical scaling, (n, 2); zeros where there are fewer."""
    n = len(similarity)
    place = np.zeros((n, 2))
    if n < 2:
        return place
    mean = similarity.mean(axis=0)
    centred = similarity - mean[:, None] - mean[None, :] + mean.mean()
    values, vectors = linalg.eigh(centred, subset_by_index=[max(n - 2, 0), n - 1])
    axes = (vectors * np.sqrt(np.clip(values, 0, None)))[:, ::-1]
    strongest = np.abs(axes).argmax(axis=0)
    place[:, : axes.shape[1]] = axes * np.sign(axes[strongest, np.arange(axes.shape[1])] + 1e-300)
    return place


def _umap(
    distances: NDArray[np.float64], start: NDArray[np.float64], seed: int
) -> NDArray[np.float64]:
    import warnings

    model = import_umap().UMAP(
        n_neighbors=min(N_NEIGHBOURS, len(distances) - 1),
        min_dist=MIN_DIST,
        metric="precomputed",
        init=start,
        random_state=seed,
        n_jobs=1,
    )
    with np.errstate(divide="ignore"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Graph is not fully connected")
        warnings.filterwarnings("ignore", message="using precomputed metric")
        return np.asarray(model.fit_transform(distances.astype(np.float32)))
