"""Lay out the features of a source by the cells that activate them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from featurelens.features.similarity import map_features

if TYPE_CHECKING:
    from anndata import AnnData

    from featurelens.means import Means

INPUTS = {"features": "features/{dataset}/{model}/{sae}/features.h5ad"}
OUTPUTS = {"layout": "features/{dataset}/{model}/{sae}/map.h5ad"}
MEMORY = "similarity"
MINUTES = 60


def make(features: AnnData, *, means: Means) -> AnnData:
    """Lay out all live features."""
    means.log(f"laying out {features.n_vars} features, twice")
    layout = map_features(features)
    means.log(f"{layout.n_obs} live features, {layout.uns['layout']}")
    return layout
