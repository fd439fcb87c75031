"""Test every gene of chosen features by Welch's t, rank sums and a negative binomial."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from featurelens.dge.chosen import test_chosen
from featurelens.dge.config import DgeConfig
from featurelens.embeddings.bundle import read_bundle
from featurelens.io import in_folder, require_same_names
from featurelens.options import build

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

    from featurelens.embeddings.bundle import Bundle
    from featurelens.means import Means

INPUTS = {
    "bundle": "embeddings/{dataset}/{model}/{of_bundle}",
    "features": "features/{dataset}/{model}/{sae}/features.h5ad",
}
READERS = {"bundle": in_folder(read_bundle)}
OUTPUTS = {"table": "dge/{dataset}/{model}/{sae}/chosen.tsv"}
PARAMS = {"config": "dge"}
THREADS = 2
MEMORY = "test"
MINUTES = 60


def make(
    bundle: Bundle, features: AnnData, *, config: Mapping[str, Any], means: Means
) -> pd.DataFrame:
    """Test the features that the config chooses."""
    require_same_names(bundle.cells.obs_names, features.obs_names, "the bundle", "features.h5ad")
    dge = build(DgeConfig, config)
    return test_chosen(bundle, features.X, dge.chosen, config=dge, means=means)
