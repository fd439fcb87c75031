"""Sizes of this run by name, of simulations, sweeps, embeddings, SAEs and annotations. Claims say
by them whether the run is smaller than the paper's study.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

INPUTS = {
    "bundles": "embeddings/{bundles}/bundle.json?",
    "trained": "sae/{saes}/train.json?",
    "summaries": "enrichment/{annotated}/summary.tsv?",
}
PARAMS = {"planned": "{planned_sizes}?"}
NEEDS = ["claims"]
OUTPUTS = {"sizes": ""}


def tabulate(
    planned: Mapping[str, Mapping[str, float]],
    bundles: Mapping[str, Mapping[str, Any]],
    trained: Mapping[str, Mapping[str, Any]],
    summaries: Mapping[str, pd.DataFrame],
) -> pd.DataFrame:
    """Every size that the plan or a result knows.

    Parameters
    ----------
    planned
        Name of a simulation or sweep to its sizes; nothing in a run of cells alone.
    bundles, trained
        Name (dataset/model, dataset/model/sae) to ``bundle.json`` and ``train.json``.
    summaries
        Name (dataset/model/sae/collection) to the summary of its annotation.

    Returns
    -------
    DataFrame
        name, size (n_cells, n_genes, n_programs, n_cell_types, n_points, n_dimensions, n_features,
        n_terms_tested) and value.
    """
    found: dict[str, dict[str, float]] = {name: dict(sizes) for name, sizes in planned.items()}
    for name, info in bundles.items():
        found[name] = {"n_cells": info["n_cells"], "n_genes": info["n_genes"]}
        found[name]["n_dimensions"] = info["d"]
    for name, info in trained.items():
        found[name] = {"n_features": info["n_features"]}
    for name, summary in summaries.items():
        if len(summary):
            found[name] = {"n_terms_tested": summary["n_terms_tested"].max()}
    rows = [(name, size, value) for name, sizes in found.items() for size, value in sizes.items()]
    return pd.DataFrame(rows, columns=["name", "size", "value"])
