"""Cells laid out in two dimensions, for the eye alone: scanpy's neighbours and UMAP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from featurelens.compiled_umap import import_umap

if TYPE_CHECKING:
    import anndata


NEIGHBOURS = 15
"""scanpy's default; fewer where there are fewer cells."""


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
        sc.pp.neighbors(layout, n_neighbors=count, use_rep="X_emb", random_state=seed)
        sc.tl.umap(layout, random_state=seed)
        layout.obsm = {"X_umap": layout.obsm["X_umap"]}
    else:
        layout.obsm = {}
    return anndata.AnnData(obs=layout.obs, obsm=dict(layout.obsm))
