"""Genes that lead each feature: which rise or fall most in its high cells, and within types."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from featurelens.atlas.material import Material
from featurelens.atlas.rows import rows_of
from featurelens.dge.feature_tables import iter_feature_tables
from featurelens.features.annotated import DGE_COLUMNS, significant_genes

N_LEADING = 15
"""Genes of each direction, over all types."""
N_WITHIN = 5
"""Genes of each direction in the contrast within types."""
ALPHA = 0.05
"""False discovery rate below which a gene leads."""
LEADS, LEADS_WITHIN = 1, 2
"""Why a gene is listed: over all types, within types, or both (3)."""

COLUMNS = ("feature", "gene", "leads", "log2_fold", "t", "q", "log2_fold_within", "q_within")

_NO_LEADERS = (
    pd.DataFrame({"feature": [], "gene": []}, dtype=str),
    pd.DataFrame({"n_high": [], "n_low": []}, index=pd.Index([], dtype=object)),
)
"""What a table says in which no feature could be tested."""


def leading_genes(material: Material) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Genes of every feature, and how many cells were compared.

    Returns
    -------
    genes
        :data:`COLUMNS`: of each feature first those that rise, then those that fall, the largest
        least change first (:func:`featurelens.features.annotated.significant_genes`). The numbers
        are those of the corrected convention; where a gene leads only within types, its others
        stand beside.
    sizes
        n_high and n_low by feature.
    """
    everywhere = material.dge.get("global_corrected")
    within = material.dge.get("within_type_corrected")
    first, sizes = _NO_LEADERS if everywhere is None else _leaders(everywhere, N_LEADING)
    if everywhere is None or sizes.empty:
        return pd.DataFrame(columns=list(COLUMNS)).astype({"leads": int, "log2_fold": float}), sizes
    second = _leaders(within, N_WITHIN)[0] if within is not None else first.iloc[:0]
    pairs = pd.concat(
        [first.assign(leads=LEADS), second.assign(leads=LEADS_WITHIN)], ignore_index=True
    )
    rank = pairs.groupby(["feature", "gene"], sort=False)["leads"].sum().reset_index()
    values = rows_of(everywhere, rank, ["log2_fold", "t", "q"], by="gene")
    rank = rank.assign(**{name: values[name].to_numpy() for name in ("log2_fold", "t", "q")})
    empty = np.full(len(rank), np.nan)
    rank = rank.assign(log2_fold_within=empty, q_within=empty)
    if within is not None:
        values = rows_of(within, rank, ["log2_fold", "q"], by="gene")
        rank["log2_fold_within"] = values["log2_fold"].to_numpy(dtype=float)
        rank["q_within"] = values["q"].to_numpy(dtype=float)
    return rank[list(COLUMNS)], sizes


def _leaders(path: Path, count: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The first genes of each direction, those that rise before those that fall, and the sizes."""
    chosen, sizes = [], []
    for part in iter_feature_tables(path, [*DGE_COLUMNS, "n_low"]):
        part["feature"] = part["feature"].astype(str)
        first = part.groupby("feature", sort=False)[["n_high", "n_low"]].first()
        sizes.append(first)
        ordered = significant_genes(part, ALPHA)
        for sign in (1, -1):
            rows = ordered[np.sign(ordered["log2_fold"]) == sign]
            chosen.append(rows.groupby("feature", sort=False).head(count))
    if not sizes:
        return _NO_LEADERS
    leaders = pd.concat(chosen)[["feature", "gene"]].astype(str)
    return leaders, pd.concat(sizes)
