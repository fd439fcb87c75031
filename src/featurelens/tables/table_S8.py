"""**Table S8.** Gene sets of the genes that change when cells of each type are steered with the
global feature. Published: genes beyond twofold with an adjusted p below .05 in the author's
regression, hypergeometric p of their number in a set (he asked a web page for GO terms). Corrected:
as steering_terms.tsv, where the genes of a set stand among all by their change, and the rank of
that among the same of the controls, so that p is at least 1 in their number and one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from featurelens.enrichment.config import EnrichmentConfig
from featurelens.enrichment.membership import lay_over
from featurelens.enrichment.steered_terms import steered_terms
from featurelens.features import lists
from featurelens.genesets.files import read_gmt
from featurelens.genesets.sets import GeneSets, Membership
from featurelens.options import build
from featurelens.stats import multiple
from featurelens.stats.counts import log_hypergeometric

if TYPE_CHECKING:
    from anndata import AnnData

INPUTS = {
    "effects": "steering/{first_steered}/effects.parquet",
    "controls": "steering/{first_steered}/control_effects.h5ad",
    "further": "steering/{first_steered_further}/further_effects.parquet?",
    "further_controls": "steering/{first_steered_further}/further_control_effects.h5ad?",
    "sets": "genesets/{studied_concepts.collection}/sets.gmt",
}
PARAMS = {"origin": "{steered_origin}", "enrichment": "{enrichment}"}
READERS = {"sets": read_gmt}
COLUMNS = (
    *("origin", "feature", "convention", "rank", "term", "n_genes", "direction"),
    *("n_selected", "n_hits", "effect", "z", "p", "q", "n_controls", "genes"),
)
ALPHA, LEAST_LOG2_FOLD = 0.05, 1.0
_LISTED = 10


def tabulate(
    effects: pd.DataFrame,
    controls: AnnData,
    further: pd.DataFrame | Mapping[str, Any],
    further_controls: AnnData | Mapping[str, Any],
    sets: GeneSets,
    *,
    origin: str,
    enrichment: Mapping[str, Any],
) -> pd.DataFrame:
    """Gene sets of the steered feature in every type whose cells are steered.

    Parameters
    ----------
    effects, controls
        Of :class:`featurelens.steering.study.Study`; its first feature is the global one.
    further, further_controls
        Of :class:`featurelens.steering.further.Further`; nothing where no other type is steered.
    sets
        The collection.
    origin
        Type whose cells the study steers.
    enrichment
        Sizes of sets and universe, in plain form.

    Returns
    -------
    DataFrame
        origin, feature, convention, rank (by p), term, n_genes (of the set, in the data), direction
        (up or down: of the set's genes as a whole), n_selected and n_hits (published: selected
        genes, those of them in the set), effect, z and n_controls (corrected,
        :func:`featurelens.enrichment.steered_terms.steered_terms`), p, q (over the sets of one type
        and convention) and genes (of the set, the ten that stand furthest in that direction;
        published: of those selected). A set without a selected gene has p 1 and no direction.
        Without a decoder there are no rows.
    """
    config = build(EnrichmentConfig, enrichment)
    rows = [
        _of_origin(name, genes, null, sets, config)
        for name, genes, null in _origins(effects, controls, further, further_controls, origin)
    ]
    found = [table for tables in rows for table in tables]
    if not found:
        return pd.DataFrame(columns=list(COLUMNS))
    return pd.concat(found, ignore_index=True)[list(COLUMNS)]


def _origins(
    effects: pd.DataFrame,
    controls: AnnData,
    further: pd.DataFrame | Mapping[str, Any],
    further_controls: AnnData | Mapping[str, Any],
    origin: str,
) -> Iterator[tuple[str, pd.DataFrame, AnnData]]:
    """Type, genes of the global feature in it, and the controls."""
    if effects.empty:
        return
    feature = str(effects["feature"].iloc[0])
    own = controls.obs["feature"].astype(str) == feature
    yield origin, effects[effects["feature"].astype(str) == feature], controls[own.to_numpy()]
    if not isinstance(further, pd.DataFrame) or isinstance(further_controls, Mapping):
        return
    labels = further_controls.obs["origin"].astype(str).to_numpy()
    for name, part in further.groupby("origin", sort=False):
        yield str(name), part, further_controls[labels == str(name)]


def _of_origin(
    origin: str, genes: pd.DataFrame, null: AnnData, sets: GeneSets, config: EnrichmentConfig
) -> Iterator[pd.DataFrame]:
    """Both conventions' gene sets in one type."""
    membership = lay_over(null.var, sets, config)
    for convention, own in genes.groupby("convention", sort=False):
        if convention == "corrected":
            table = _corrected(own, np.asarray(null.X), membership)
        elif own["glm_q"].notna().any():
            table = _published(own, membership)
        else:
            continue
        about = {"origin": origin, "feature": str(own["feature"].iloc[0]), "convention": convention}
        yield table.assign(rank=np.arange(1, len(table) + 1), **about)


def _corrected(own: pd.DataFrame, null: np.ndarray, membership: Membership) -> pd.DataFrame:
    fold = own["log2_fold"].to_numpy(dtype=float)
    table = steered_terms(str(own["feature"].iloc[0]), fold, null, membership)
    everything = np.ones(len(fold), dtype=bool)
    empty = pd.array([pd.NA] * len(table), dtype="Int64")
    return table.assign(
        n_selected=empty, n_hits=empty, genes=_listed(table, own, fold, everything, membership)
    )


def _published(own: pd.DataFrame, membership: Membership) -> pd.DataFrame:
    fold, q = (own[name].to_numpy(dtype=float) for name in ("glm_log2_fold", "glm_q"))
    selected = (np.abs(fold) > LEAST_LOG2_FOLD) & (q < ALPHA)
    hits = membership.matrix @ selected.astype(float)
    # At least no gene is always there, also where none is selected.
    log_p = log_hypergeometric(hits, len(fold), membership.sizes, selected.sum())
    p = np.where(hits > 0, np.exp(log_p), 1.0)
    towards = membership.matrix @ np.where(selected, fold, 0.0)
    table = pd.DataFrame(
        {
            "term": membership.terms,
            "n_genes": membership.sizes,
            "n_selected": pd.array([int(selected.sum())] * len(p), dtype="Int64"),
            "n_hits": pd.array(hits.astype(int), dtype="Int64"),
            "direction": np.where(hits == 0, "", np.where(towards >= 0, "up", "down")),
            "effect": np.nan,
            "z": np.nan,
            "n_controls": pd.array([pd.NA] * len(p), dtype="Int64"),
            "p": p,
            "q": multiple.bh(p),
        }
    )
    table = table.sort_values(["p", "term"], ignore_index=True)
    return table.assign(genes=_listed(table, own, fold, selected, membership))


def _listed(
    table: pd.DataFrame,
    own: pd.DataFrame,
    fold: np.ndarray,
    selected: np.ndarray,
    membership: Membership,
) -> list[str]:
    """Of every set the selected genes, those first that change most in its direction."""
    genes, matrix = own["gene"].astype(str).to_numpy(), membership.matrix
    place = {term: row for row, term in enumerate(membership.terms)}
    texts = []
    for term, direction in zip(table["term"], table["direction"], strict=True):
        row = place[term]
        inside = matrix.indices[matrix.indptr[row] : matrix.indptr[row + 1]]
        inside = inside[selected[inside]]
        towards = fold[inside] if direction == "up" else -fold[inside]
        order = inside[np.argsort(-towards, kind="stable")][:_LISTED]
        texts.append(lists.join(map(lists.entry, genes[order])))
    return texts
