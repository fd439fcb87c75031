"""Count the principal components that hold given shares of the variance of Y."""

from __future__ import annotations

from typing import TYPE_CHECKING

from featurelens.simulation.dimensions import intrinsic_dimension

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

INPUTS = {"data": "simulation/{simulation}/data.h5ad"}
OUTPUTS = {"table": "simulation/{simulation}/intrinsic_dimension.tsv"}
MEMORY = 2000
MINUTES = 30


def make(data: AnnData) -> pd.DataFrame:
    """Count the components of a hierarchical simulation."""
    return intrinsic_dimension(data)
