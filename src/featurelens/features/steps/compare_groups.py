"""Compare every feature of a source between groups of cells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from featurelens.features.comparisons import run_comparisons
from featurelens.features.config import ComparisonConfig
from featurelens.options import build

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

    from featurelens.means import Means

INPUTS = {"features": "features/{dataset}/{model}/{sae}/features.h5ad"}
OUTPUTS = {
    "table": "features/{dataset}/{model}/{sae}/comparisons.tsv",
    "summary": "features/{dataset}/{model}/{sae}/comparisons_summary.tsv",
}
PARAMS = {"comparisons": "datasets/{dataset}/comparisons"}
MEMORY = "catalogue"
MINUTES = 60


def make(
    features: AnnData, *, comparisons: Mapping[str, Any], means: Means
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Make all comparisons that the config asks of a data set."""
    asked = {name: build(ComparisonConfig, block) for name, block in comparisons.items()}
    table, summary = run_comparisons(features, asked)
    means.log(summary.to_string(index=False))
    return table, summary
