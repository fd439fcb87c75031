"""All comparisons that a configuration asks for, of one source of features."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from featurelens.conventions import CONVENTIONS
from featurelens.datasets.files import require_key
from featurelens.features.compare import compare, permuted_rates
from featurelens.features.config import ComparisonConfig
from featurelens.io import InputError

if TYPE_CHECKING:
    import anndata

ALPHA = 0.05
_ASKED = ("first", "second", "sample", "test", "min_cells")
"""What a comparison of the config says to :func:`compare`, beside its column."""
N_PERMUTATIONS = 20
"""Of donors; every feature counts in each."""


def run_comparisons(
    features: anndata.AnnData, comparisons: Mapping[str, ComparisonConfig]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every comparison under both conventions, and how far each can be believed.

    Returns
    -------
    table, summary
        Rows of :func:`featurelens.features.compare.compare` behind comparison and convention.
        One row a comparison and convention: first, second, unit, n_cells_first, n_cells_second,
        n_samples_first, n_samples_second, is_paired, n_tested (features with a p), n_significant
        (q below .05), rate_permuted (share of p below .05 when donors change groups at random: far
        above .05, p means nothing), why_no_p.

    Raises
    ------
    InputError
        If no cell has what ``only`` asks for, or as :func:`featurelens.features.compare.compare`.
    """
    tables, rows = [], []
    for name, config in comparisons.items():
        chosen = _only(features, config)
        asked = {name: getattr(config, name) for name in _ASKED}
        rates = permuted_rates(chosen, config.column, n_permutations=N_PERMUTATIONS, **asked)
        for convention in CONVENTIONS:
            table = compare(chosen, config.column, convention=convention, **asked)
            rows.append(
                {"comparison": name, "convention": convention}
                | {"first": config.first, "second": config.second}
                | _summary(table)
                | {"rate_permuted": rates["cells" if convention == "published" else "donors"]}
            )
            table.insert(0, "comparison", name)
            table.insert(1, "convention", convention)
            tables.append(table)
    return pd.concat(tables, ignore_index=True), pd.DataFrame(rows)


def _only(features: anndata.AnnData, config: ComparisonConfig) -> anndata.AnnData:
    chosen = np.ones(features.n_obs, dtype=bool)
    for column, value in config.only.items():
        require_key(column, features.obs, "the features: obs")
        chosen &= (features.obs[column].astype(str) == value).to_numpy()
    if not chosen.any():
        raise InputError(f"no cell has all of {config.only}; ask for less in only")
    return features[chosen]


def _summary(table: pd.DataFrame) -> dict[str, object]:
    """What all features of a comparison share, and how many differ."""
    shared = ("unit", "is_paired", "why_no_p")
    sizes = [f"n_{what}_{side}" for what in ("cells", "samples") for side in ("first", "second")]
    row = table.iloc[0] if len(table) else dict.fromkeys([*shared, *sizes])
    return {name: row[name] for name in (*shared, *sizes)} | {
        "n_tested": int(table["p"].notna().sum()),
        "n_significant": int((table["q"] < ALPHA).sum()),
    }
