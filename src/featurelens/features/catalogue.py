"""Every feature of an SAE in one table: live or dead, how active, where, how stable over seeds."""

from __future__ import annotations

import pandas as pd

from featurelens.features.annotated import too_few_cells

COLUMNS = (
    *("n_active", "fraction_active", "mean", "max", "entropy", "tau"),
    *("type", "type_published", "n_types", "n_types_published", "q_locality", "runner_up"),
    *("top_cell_type", "share_in_type", "n_in_type", "why_no_type", "effect", "q"),
)


def catalogue(var: pd.DataFrame, stability: pd.DataFrame, *, min_cells: int) -> pd.DataFrame:
    """One row a feature, in the order of their numbers.

    Parameters
    ----------
    var
        Of ``features.h5ad``.
    stability
        Of :func:`featurelens.features.seeds.compare_seeds`, features as index.
    min_cells
        Fewest cells in a high or low set that is tested
        (:class:`featurelens.dge.config.DgeConfig`).

    Returns
    -------
    DataFrame
        feature, is_live, :data:`COLUMNS`, stability, stability_random, and why_not_tested: why
        genes are not compared between its cells and others; empty where they are.
    """
    table = var[list(COLUMNS)].join(stability)
    table.insert(0, "is_live", table["n_active"] > 0)
    table["why_not_tested"] = [
        too_few_cells(n_active, min_cells) for n_active in table["n_active"].tolist()
    ]
    return table.rename_axis("feature").reset_index()
