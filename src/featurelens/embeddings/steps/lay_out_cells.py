"""Lay cells out in two dimensions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from featurelens.embeddings.counts import read_in_file
from featurelens.embeddings.layout import lay_out

if TYPE_CHECKING:
    from anndata import AnnData

    from featurelens.means import Means

INPUTS = {"cells": "embeddings/{dataset}/{model}/cells.h5ad"}
OUTPUTS = {"layout": "embeddings/{dataset}/{model}/layout.h5ad"}
MEMORY = "layout"
MINUTES = 60
READERS = {"cells": read_in_file}


def make(cells: AnnData, *, means: Means) -> AnnData:
    """Lay out the cells of a bundle."""
    means.log(f"laying out {cells.n_obs} cells by UMAP")
    return lay_out(cells)
