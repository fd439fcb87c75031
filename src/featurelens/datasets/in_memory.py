"""Cells in memory, by the parts that are looked for in a file."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import sparse

from featurelens.datasets.config import RAW, OwnCells, X
from featurelens.datasets.found import Found, Parts, complete, names_in, remedy_for
from featurelens.datasets.stored import SAMPLED_COUNTS

if TYPE_CHECKING:
    import anndata


def matrices(adata: anndata.AnnData) -> dict[str, Any]:
    """Matrices of expression by their place: X, raw.X, and layers by their names."""
    found = {X: adata.X, RAW: None if adata.raw is None else adata.raw.X}
    found |= {str(name): value for name, value in adata.layers.items() if name is not None}
    return {place: value for place, value in found.items() if value is not None}


def table_of_genes(adata: anndata.AnnData, config: OwnCells) -> pd.DataFrame:
    """Genes of the place of the counts, with the columns of X's where both are the same genes."""
    return _genes(adata, str(config.counts_layer))


def found_in_memory(adata: anndata.AnnData, config: OwnCells) -> Found:
    """As :func:`featurelens.datasets.found.complete` of a file.

    Raises
    ------
    InputError
        As there.
    """
    parts = Parts(
        path=config.path,
        form="cells in memory",
        columns=[str(name) for name in adata.obs],
        column=lambda name: adata.obs[name].reset_index(drop=True),
        values={place: partial(_first, each) for place, each in matrices(adata).items()},
        genes=partial(_genes, adata),
        batches=names_in(adata.uns.get("batch_condition", ())),
    )
    return complete(parts, config)


def remedy_in_memory(adata: anndata.AnnData, config: OwnCells) -> str:
    """What to do where the place of the counts holds none: see :func:`remedy_for`."""
    values = {place: partial(_first, each) for place, each in matrices(adata).items()}
    return remedy_for(values, str(config.counts_layer))


def _genes(adata: anndata.AnnData, place: str) -> pd.DataFrame:
    if place != RAW or adata.raw is None:
        return adata.var
    own = adata.raw.var
    if own.index.equals(adata.var_names):
        own = own.join(adata.var[[column for column in adata.var if column not in own]])
    return own


def _first(matrix: Any) -> np.ndarray:
    if sparse.issparse(matrix) and hasattr(matrix, "data"):
        return matrix.data[:SAMPLED_COUNTS]
    rows = max(1, SAMPLED_COUNTS // max(1, matrix.shape[1]))
    return np.asarray(matrix[:rows]).ravel()
