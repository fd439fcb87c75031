"""How often gene sets and their ancestors occur, and the most frequent ones (Table S7)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from scipy import sparse

from featurelens.concepts.config import Direction
from featurelens.concepts.space import (
    LEVELS,
    Carried,
    every_filter,
    indicator_of,
    with_ancestors,
)
from featurelens.enrichment.config import ALL_FILTERS
from featurelens.places import Place

INPUTS = {
    "kept": "concepts/{annotated}/kept_terms.parquet",
    "terms": "genesets/{annotated.collection}/terms.tsv",
}
PARAMS = {"direction": "{concepts.direction}"}
OUTPUTS = {
    "concept_frequency": """
How often every gene set, and every ancestor of gene sets at levels 1 to 4 of its ontology, occurs
over the annotated features of each SAE. A feature counts once for an ancestor however many of the
gene sets below it the feature carries; n_pairs counts them all.
""",
    "table_S7": """
**Table S7.** How many features of each SAE carry every gene set, the most frequent first, under
every filter. Under the corrected one only gene sets that a feature's high cells have more of
count.
""",
}
TOGETHER = "concepts"
_FREQUENCY = (
    *("sae", "position", "convention", "filter", "level", "name", "rank"),
    *("n_features", "share", "n_pairs"),
)


def tabulate(
    kept: Mapping[str, pd.DataFrame],
    terms: Mapping[str, pd.DataFrame],
    *,
    direction: Direction,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """:func:`concept_frequencies` and, of these, :func:`frequent_terms`."""
    frequencies = concept_frequencies(kept, terms, direction=direction)
    return frequencies, frequent_terms(frequencies, list(kept))


def concept_frequencies(
    kept: Mapping[str, pd.DataFrame],
    terms: Mapping[str, pd.DataFrame] | None = None,
    *,
    direction: Direction = "up",
) -> pd.DataFrame:
    """How often each term, and each ancestor of terms, occurs over the features of every SAE.

    Parameters
    ----------
    kept
        SAE name to the table of ``concepts.kept_terms``.
    terms
        SAE name to the terms of its collection: term and ``LEVELS``; without it categories count
        as level 1.
    direction
        Which corrected annotations count.

    Returns
    -------
    DataFrame
        sae, position, convention, filter, level ("term", "level_1" to "level_4"), name, rank (1
        for the most frequent, ties by name), n_features (that carry the term, or some term below
        the ancestor), share (of the annotated features), n_pairs (of feature and term).
    """
    known = {
        sae: with_ancestors(table, None if terms is None else terms[sae])
        for sae, table in kept.items()
    }
    rows = [
        label | {"level": level, "name": name, "rank": rank, "n_features": n_features}
        | {"share": n_features / max(len(matrix.features), 1), "n_pairs": n_pairs}
        for sae, label, matrix in every_filter(kept, direction)
        for level, counts in _levels(matrix, known[sae])
        for rank, (name, n_features, n_pairs) in enumerate(counts, start=1)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(_FREQUENCY))


def frequent_terms(frequencies: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Table S7: the terms of each collection, a column of features for each SAE.

    Parameters
    ----------
    frequencies
        Of :func:`concept_frequencies`.
    names
        All SAEs, ``dataset/model/sae/collection``, those without an annotation included.

    Returns
    -------
    DataFrame
        convention, filter, collection, term, total and a column of counts for each
        ``dataset/model/sae``, the most frequent first; empty where an SAE was not annotated with
        the collection.
    """
    places = {name: Place.parse(name) for name in names}
    tested: dict[str, set[str]] = {}
    for place in places.values():
        tested.setdefault(place.source, set()).add(place.collection)
    rows = frequencies[frequencies["level"] == "term"]
    rows = rows.rename(columns={"name": "term"}).assign(
        source=rows["sae"].map(lambda name: places[name].source),
        collection=rows["sae"].map(lambda name: places[name].collection),
    )
    keys = ["convention", "filter", "collection", "term"]
    wide = rows.pivot_table(index=keys, columns="source", values="n_features", sort=False)
    table = wide.reindex(columns=list(tested)).reset_index().rename_axis(columns=None)
    for source, collections in tested.items():
        known = table["collection"].isin(collections)
        table[source] = table[source].fillna(0).where(known).astype("Int64")
    table.insert(len(keys), "total", table[list(tested)].sum(axis=1).astype(int))
    rank = table["filter"].map({name: rank for rank, name in enumerate(ALL_FILTERS)})
    order = np.lexsort((table["term"], -table["total"], table["collection"], rank))
    return table.iloc[order].reset_index(drop=True)


def _levels(
    matrix: Carried, terms: pd.DataFrame
) -> Iterator[tuple[str, list[tuple[str, int, int]]]]:
    """Level to (name, number of features, number of pairs), the most frequent first."""
    yield "term", _ranked(matrix.matrix, list(matrix.terms))
    known = terms.set_index("term").reindex(list(matrix.terms))
    for level in LEVELS:
        yield level, _ranked(matrix.matrix, known[level].tolist())


def _ranked(matrix: sparse.csr_matrix, names: Sequence[str]) -> list[tuple[str, int, int]]:
    known, groups = indicator_of(names)
    counts = sparse.csc_matrix(matrix @ groups)
    n_features, n_pairs = counts.getnnz(axis=0), np.asarray(counts.sum(axis=0)).ravel()
    found = zip(known, map(int, n_features), map(int, n_pairs), strict=True)
    return sorted(found, key=lambda row: (-row[1], row[0]))
