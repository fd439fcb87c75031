"""Cells laid out in two dimensions, for the eye alone: scanpy's neighbours and UMAP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from featurelens.compiled_umap import import_umap

if TYPE_CHECKING:
    import anndata


NEIGHBOURS = 15
"""scanpy's default; fewer where there are fewer cells."""
EXACT = 8192
"""Cells from which on scanpy looks for neighbours by approximation (scanpy 1.11.5)."""


def lay_out(cells: anndata.AnnData, *, seed: int = 0) -> anndata.AnnData:
    """UMAP of a bundle's embedding, as ``scanpy.pp.neighbors`` and ``scanpy.tl.umap`` make it.

    Parameters
    ----------
    cells
        With the embedding in ``obsm['X_emb']``.
    seed
        Of both steps.

    Returns
    -------
    anndata.AnnData
        The cells without genes: obs cell_type, ``obsm['X_umap']`` (n_cells, 2). Fewer than four
        cells have no layout, and ``X_umap`` is absent.
    """
    import anndata
    import scanpy as sc

    import_umap()
    layout = anndata.AnnData(
        obs=cells.obs[["cell_type"]].copy(), obsm={"X_emb": cells.obsm["X_emb"]}
    )
    if layout.n_obs > 3:
        count = min(NEIGHBOURS, layout.n_obs - 1)
        among = approximate(count, layout.n_obs, seed) if layout.n_obs >= EXACT else None
        sc.pp.neighbors(
            layout, n_neighbors=count, use_rep="X_emb", random_state=seed, transformer=among
        )
        sc.tl.umap(layout, random_state=seed)
        layout.obsm = {"X_umap": layout.obsm["X_umap"]}
    else:
        layout.obsm = {}
    return anndata.AnnData(obs=layout.obs, obsm=dict(layout.obsm))


def approximate(n_neighbors: int, n_cells: int, seed: int) -> Any:
    """What scanpy looks for neighbours of many cells with, in one thread, ending in a matrix.

    pynndescent 0.7 returns a sparse array, which scanpy 1.11.5 cannot read; numbers of trees and
    rounds are those of UMAP, which scanpy takes where it is given nothing.
    """
    from pynndescent import PyNNDescentTransformer

    class Transformer(PyNNDescentTransformer):
        def fit_transform(self, X: Any, y: Any = None, **options: Any) -> sparse.csr_matrix:
            return sparse.csr_matrix(super().fit_transform(X, y, **options))

    return Transformer(
        n_neighbors=n_neighbors,
        metric="euclidean",
        random_state=seed,
        n_jobs=1,
        n_trees=min(64, 5 + round(n_cells**0.5 / 20)),
        n_iters=max(5, round(np.log2(n_cells))),
    )
