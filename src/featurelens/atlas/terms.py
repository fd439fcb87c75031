"""Gene sets that each feature carries, under both conventions and within types."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from featurelens.atlas.material import Collection, Material
from featurelens.atlas.rows import rows_of
from featurelens.enrichment.config import HIGHER
from featurelens.enrichment.filters import read_kept

MOST_CORRECTED, MOST_PUBLISHED = 60, 15
"""Terms of a feature that are listed: kept by the corrected filter, by the published one alone."""

KEPT = {
    "kept_fdr": 2,
    "kept_published_05": 4,
    "kept_published_figures": 8,
    "kept_fdr_within": 16,
}
"""Bits of the filters that keep a term; bit 1 says that its genes rise."""
UP = 1

_CORRECTED = ("q", "effect", "n_hits", "n_term", "direction")
_PUBLISHED = ("p_binomial", "p_mannwhitney", "direction")

COLUMNS = (
    *("feature", "term", "collection", "category", "flags", "q", "effect", "n_hits"),
    *("n_term", "p_binomial", "p_mannwhitney", "q_within"),
)


def carried_terms(material: Material) -> pd.DataFrame:
    """Terms of every feature that some filter keeps.

    Returns
    -------
    DataFrame
        :data:`COLUMNS`. Of each feature first the terms of the corrected filter by q, then those
        within types, then those of the published filters by p. ``q``, ``effect`` and ``n_hits``
        of n_term genes are corrected, ``p_binomial`` and ``p_mannwhitney`` published
        (the author adjusts neither), ``q_within`` corrected within types; each is given whether
        its own filter keeps the term or not.
    """
    parts = [
        _of_collection(collection).assign(collection=name)
        for name, collection in material.collections.items()
    ]
    if not parts:
        return pd.DataFrame(columns=list(COLUMNS)).astype({"flags": int})
    terms = pd.concat(parts, ignore_index=True)
    # One order over all collections of a feature.
    stage = np.select([terms["flags"] & 2 > 0, terms["flags"] & 16 > 0], [0, 1], 2)
    value = np.select(
        [stage == 0, stage == 1], [terms["q"], terms["q_within"]], terms["p_mannwhitney"]
    )
    order = np.lexsort((terms["term"].to_numpy(dtype=str), value, stage))
    terms = terms.iloc[order]
    published = stage[order] == 2
    place = terms.groupby(["feature", published], sort=False).cumcount()
    most = np.where(published, MOST_PUBLISHED, MOST_CORRECTED)
    return terms[place.to_numpy() < most][list(COLUMNS)]


def _of_collection(collection: Collection) -> pd.DataFrame:
    found = []
    for test, path in collection.tests.items():
        rows = read_kept(path)
        suffix = "_within" if test.startswith("within_type") else ""
        for name in ("kept_fdr", "kept_published_05", "kept_published_figures"):
            if f"{name}{suffix}" in KEPT and (suffix or _convention(test) in name):
                kept = rows.loc[rows[name].astype(bool), ["feature", "term", "category"]]
                found.append(kept.astype(str).assign(flags=KEPT[f"{name}{suffix}"]))
    pairs = pd.concat(found, ignore_index=True)
    keys = ["feature", "term", "category"]
    pairs = pairs.groupby(keys, sort=False)["flags"].sum().reset_index()
    corrected = _values(collection.tests.get("global_corrected"), pairs, _CORRECTED)
    published = _values(collection.tests.get("global_published"), pairs, _PUBLISHED)
    within = _values(collection.tests.get("within_type_corrected"), pairs, ("q", "direction"))
    rises = np.select(
        [pairs["flags"] & 2 > 0, pairs["flags"] & 16 > 0, pairs["flags"] & 12 > 0],
        [table["direction"].isin(HIGHER) for table in (corrected, within, published)],
    )
    pairs["flags"] = pairs["flags"] + np.where(rises, UP, 0)
    for name in ("q", "effect", "n_hits", "n_term"):
        pairs[name] = corrected[name].to_numpy(dtype=float)
    for name in ("p_binomial", "p_mannwhitney"):
        pairs[name] = published[name].to_numpy(dtype=float)
    return pairs.assign(q_within=within["q"].to_numpy(dtype=float))


def _convention(test: str) -> str:
    """Part of the names of the filters of a convention."""
    return "fdr" if test.endswith("_corrected") else "published"


def _values(path: Path | None, pairs: pd.DataFrame, columns: tuple[str, ...]) -> pd.DataFrame:
    if path is None:
        return pd.DataFrame(np.nan, index=pairs.index, columns=list(columns))
    return rows_of(path, pairs, columns, by="term")
