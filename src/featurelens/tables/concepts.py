"""Tables of the concept space: how often terms occur, how many a feature has, and probes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from featurelens.concepts.config import Direction
from featurelens.concepts.space import (
    LEVELS,
    Carried,
    carried,
    direction_of,
    indicator_of,
    with_ancestors,
)
from featurelens.conventions import CONVENTIONS, Convention
from featurelens.enrichment.config import ALL_FILTERS, FILTERS, Filter

_FREQUENCY = (
    *("sae", "position", "convention", "filter", "level", "name", "rank"),
    *("n_features", "share", "n_pairs"),
)
_PROBES = (
    *("sae", "position", "filter", "convention", "probe", "n_terms", "n_features"),
    *("n_annotated", "share", "terms"),
)


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
        for sae, label, matrix in _every(kept, direction)
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
    tested: dict[str, set[str]] = {}
    for name in names:
        source, _, collection = name.rpartition("/")
        tested.setdefault(source, set()).add(collection)
    rows = frequencies[frequencies["level"] == "term"]
    rows = rows.rename(columns={"name": "term"}).assign(
        source=rows["sae"].map(lambda name: name.rpartition("/")[0]),
        collection=rows["sae"].map(lambda name: name.rpartition("/")[2]),
    )
    keys = ["convention", "filter", "collection", "term"]
    wide = rows.pivot_table(index=keys, columns="source", values="n_features", sort=False)
    table = wide.reindex(columns=list(tested)).reset_index().rename_axis(columns=None)
    for source, collections in tested.items():
        known = table["collection"].isin(collections)
        table[source] = table[source].fillna(0).where(known).astype("Int64")
    table.insert(len(keys), "total", table[list(tested)].sum(axis=1).astype(int))
    place = table["filter"].map({name: place for place, name in enumerate(ALL_FILTERS)})
    order = np.lexsort((table["term"], -table["total"], table["collection"], place))
    return table.iloc[order].reset_index(drop=True)


def terms_per_feature(
    kept: Mapping[str, pd.DataFrame], *, direction: Direction = "up"
) -> pd.DataFrame:
    """How many terms an annotated feature carries, with its standard error.

    Returns
    -------
    DataFrame
        sae, position, convention, filter, n_features, n_terms, mean, sd, sem (sd / sqrt(features)),
        sem_published (sd / sqrt(terms), author's ``05_analyses.py``), min, median, max.
    """
    rows = []
    for _, label, matrix in _every(kept, direction):
        counts = matrix.per_feature.to_numpy()
        rows.append(
            label
            | {"n_features": len(counts), "n_terms": len(matrix.terms)}
            | describe_counts(counts, len(matrix.terms))
        )
    return pd.DataFrame(rows)


def describe_counts(counts: NDArray, n_terms: int) -> dict[str, float]:
    """Mean of a count over features, its two standard errors, and extremes; NaN where undefined."""
    if not len(counts):
        names = ("mean", "sd", "sem", "sem_published", "min", "median", "max")
        return dict.fromkeys(names, float("nan"))
    deviation = float(np.std(counts, ddof=1)) if len(counts) > 1 else float("nan")
    return {
        "mean": float(np.mean(counts)),
        "sd": deviation,
        "sem": deviation / np.sqrt(len(counts)),
        "sem_published": deviation / np.sqrt(n_terms),
        "min": float(np.min(counts)),
        "median": float(np.median(counts)),
        "max": float(np.max(counts)),
    }


def concept_sizes(kept: Mapping[str, pd.DataFrame], *, direction: Direction = "up") -> pd.DataFrame:
    """How many features carry how many terms.

    Returns
    -------
    DataFrame
        sae, position, convention, filter, n_terms, n_features; numbers of terms that some feature
        has.
    """
    rows = [
        label | {"n_terms": int(n_terms), "n_features": int(n_features)}
        for _, label, matrix in _every(kept, direction)
        for n_terms, n_features in zip(
            *np.unique(matrix.per_feature.to_numpy(), return_counts=True), strict=True
        )
    ]
    columns = ["sae", "position", "convention", "filter", "n_terms", "n_features"]
    return pd.DataFrame(rows, columns=columns)


def matches(terms: Sequence[str], probe: str, convention: Convention) -> NDArray[np.bool_]:
    """Which terms a probe finds, (n_terms,).

    ``published``: names that contain it, letter by letter (``mlcb_figure_3.py``), so that "ion"
    finds every "regulation". ``corrected``: names that contain it as whole words, in any case.

    Examples
    --------
    >>> terms = ["ion transport", "regulation"]
    >>> [matches(terms, "ion", convention).tolist() for convention in ("published", "corrected")]
    [[True, True], [True, False]]
    """
    if convention == "published":
        return np.array([probe in term for term in terms], dtype=bool)
    words = re.compile(rf"(?<![^\W_]){re.escape(probe)}(?![^\W_])", re.IGNORECASE)
    return np.array([words.search(term) is not None for term in terms], dtype=bool)


def probe_concepts(
    kept: Mapping[str, pd.DataFrame],
    probes: Sequence[str],
    *,
    name: Filter,
    direction: Direction = "up",
) -> pd.DataFrame:
    """Which features carry a term that a probe finds (Figure 3B), under both readings of a probe.

    Parameters
    ----------
    kept
        SAE name to the table of ``concepts.kept_terms``.
    probes
        Words or parts of words.
    name, direction
        Filter and direction of the concept space that is probed.

    Returns
    -------
    DataFrame
        sae, position, filter, convention (of :func:`matches`), probe, n_terms (found), n_features
        (that carry one), n_annotated, share (of the annotated), terms (found, separated by
        semicolons).
    """
    rows = []
    for position, (sae, table) in enumerate(kept.items(), start=1):
        matrix = carried(table, name, direction)
        for convention in CONVENTIONS:
            for probe in probes:
                found = matches(matrix.terms, probe, convention)
                hits = int((np.asarray(matrix.matrix[:, found].sum(axis=1)) > 0).sum())
                n_annotated = len(matrix.features)
                rows.append(
                    {"sae": sae, "position": position, "filter": name, "convention": convention}
                    | {"probe": probe, "n_terms": int(found.sum()), "n_features": hits}
                    | {"n_annotated": n_annotated, "share": hits / max(n_annotated, 1)}
                    | {"terms": "; ".join(np.array(matrix.terms, dtype=object)[found])}
                )
    return pd.DataFrame(rows, columns=list(_PROBES))


def _every(
    kept: Mapping[str, pd.DataFrame], direction: Direction
) -> Iterator[tuple[str, dict[str, object], Carried]]:
    """Every SAE under every filter, with the columns that say so."""
    for position, (sae, table) in enumerate(kept.items(), start=1):
        for convention, names in FILTERS.items():
            for name in names:
                label = {"sae": sae, "position": position}
                label |= {"convention": convention, "filter": name}
                yield sae, label, carried(table, name, direction_of(convention, direction))


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
