"""List every feature of an SAE, beside those of its other seeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from featurelens.features.catalogue import catalogue
from featurelens.features.seeds import compare_seeds

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

    from featurelens.means import Means

INPUTS = {
    "features": "features/{dataset}/{model}/{sae}/features.h5ad",
    "seeds": "features/{of_seeds}/features.h5ad",
}
OUTPUTS = {
    "catalogue": "features/{dataset}/{model}/{sae}/catalogue.tsv",
    "seeds": "features/{dataset}/{model}/{sae}/seeds.tsv",
}
PARAMS = {"name": "{source}", "names": "{of_seeds}", "min_cells": "dge/min_cells"}
MEMORY = "catalogue"
MINUTES = 120


def make(
    features: AnnData,
    seeds: Sequence[AnnData],
    *,
    name: str,
    names: Sequence[str],
    min_cells: int,
    means: Means,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """List features of the source of a name; further seeds of it have ``names``."""
    others = dict(zip(names, seeds, strict=True))
    runs, stability = compare_seeds(name, features, others, log=means.log)
    means.log(runs.to_string(index=False))
    return catalogue(features.var, stability, min_cells=min_cells), runs
