"""How alike the concepts of two SAEs are, between chance and a second seed (paper section 5.3)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from scipy.stats import rankdata

from featurelens.concepts.config import ConceptConfig
from featurelens.concepts.space import Carried, carried, direction_of
from featurelens.conventions import Convention
from featurelens.enrichment.config import FILTERS, Filter
from featurelens.features.sources import parse_source
from featurelens.places import Place
from featurelens.stats.margins import randomise_margins
from featurelens.stats.pairs import best_pairs

Comparison = Literal["embeddings", "seeds"]


@dataclass(frozen=True)
class Pair:
    """Two SAEs to compare: of two embeddings of the same cells, or of two seeds."""

    comparison: Comparison
    left: str
    right: str


def pairs_of(names: Sequence[str], relatives: Mapping[str, str] | None = None) -> list[Pair]:
    """Which SAEs are compared.

    Parameters
    ----------
    names
        ``dataset/model/source/collection``; a source is an SAE, a repeat of it or a control
        (``controls.config``), and controls are compared with nothing.
    relatives
        Of ``controls.config.relatives``: SAEs that differ by their seed alone.

    Returns
    -------
    list
        Every two models with the same data, SAE and gene sets, by their first seeds, first; then
        every two seeds of one SAE on one model.
    """
    runs: dict[_Run, list[str]] = {}
    for name in names:
        run = _Run.of(name, relatives or {})
        if run is not None:
            runs.setdefault(run, []).append(name)
    embeddings = [
        Pair("embeddings", runs[one][0], runs[other][0])
        for one, other in itertools.combinations(runs, 2)
        if one._replace(model="") == other._replace(model="")
    ]
    seeds = [
        Pair("seeds", left, right)
        for seeds in runs.values()
        for left, right in itertools.combinations(seeds, 2)
    ]
    return [*embeddings, *seeds]


def compare_concepts(
    kept: Mapping[str, pd.DataFrame],
    config: ConceptConfig,
    *,
    relatives: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Compare SAEs by the terms their features carry (author's ``05_analyses.py``).

    Parameters
    ----------
    kept
        Name of the SAE, as for :func:`pairs_of`, to the table of ``concepts.kept_terms``.
    config
        Direction of the corrected annotations, number of draws and their seed.
    relatives
        As for :func:`pairs_of`.

    Returns
    -------
    DataFrame
        One row per pair and filter: comparison, position (of the pair among those of its kind),
        left, right, convention, filter, n_features_left and _right (matched ones),
        n_terms_left and _right, n_shared, share_shared (of the terms of the left SAE), pearson and
        spearman (features per shared term), similarity (:func:`similarity`), floor and floor_sd
        (the same after both matrices were shuffled with their margins kept), above_floor
        ((similarity - floor) / (1 - floor)), ceiling, ceiling_floor and ceiling_above_floor (means
        of these over pairs of seeds of both models; NaN where the run has one seed), and scaled
        (above_floor / ceiling_above_floor: 0 for chance, 1 for two seeds of one model). Each
        similarity is measured from its own floor, because the more features the larger SAE has,
        the better a partner each feature of the smaller one finds. No row with fewer than two SAEs.
    """
    rows = []
    for position, pair in _numbered(pairs_of(list(kept), relatives)):
        for convention, name in _filters():
            direction = direction_of(convention, config.direction)
            left, right = (carried(kept[sae], name, direction) for sae in (pair.left, pair.right))
            row: dict[str, object] = {
                "comparison": pair.comparison,
                "position": position,
                "left": pair.left,
                "right": pair.right,
                "convention": convention,
                "filter": name,
            }
            rows.append(row | _compare(left, right, convention, config))
    return _with_ceilings(pd.DataFrame(rows, columns=list(_COLUMNS)), relatives or {})


def jaccard(left: sparse.csr_matrix, right: sparse.csr_matrix) -> NDArray[np.float64]:
    """Jaccard index of every row of one binary matrix with every row of another.

    Parameters
    ----------
    left, right
        (n_left, n_terms) and (n_right, n_terms) zeros and ones; two empty rows have index 1, as in
        the author's code.

    Examples
    --------
    >>> left, right = sparse.csr_matrix([[1, 1, 0], [0, 0, 0]]), sparse.csr_matrix([[1, 1, 1]])
    >>> jaccard(left, right).round(3)
    array([[0.667],
           [0.   ]])
    """
    both = (left @ right.T).toarray().astype(np.float64)
    sizes = (np.asarray(matrix.sum(axis=1), dtype=np.float64).ravel() for matrix in (left, right))
    either = np.add.outer(*sizes) - both
    return np.divide(both, either, out=np.ones_like(both), where=either > 0)


def similarity(left: sparse.csr_matrix, right: sparse.csr_matrix, convention: Convention) -> float:
    """Mean Jaccard index of features matched one to one for the largest sum.

    Every feature of the SAE with fewer features gets a partner. ``published`` matches all features,
    and two without a term count as equal (``05_analyses.py``); ``corrected`` leaves out features
    without a term, about which the terms say nothing. NaN where an SAE has no feature left.

    Examples
    --------
    The second feature of the left SAE has no term:

    >>> left, right = sparse.csr_matrix([[1, 1], [0, 0]]), sparse.csr_matrix([[1, 0]])
    >>> similarity(left, right, "corrected")
    0.5
    """
    if convention == "corrected":
        left, right = _not_empty(left), _not_empty(right)
    if not left.shape[0] or not right.shape[0]:
        return float("nan")
    index = jaccard(left, right)
    return float(best_pairs(index).similarity.mean())


def floor_of(
    left: sparse.csr_matrix,
    right: sparse.csr_matrix,
    convention: Convention,
    *,
    n_draws: int,
    seed: int,
) -> tuple[float, float]:
    """Mean and sd of :func:`similarity` over random matrices with the margins of the given ones.

    Frequent terms are shared and large features overlap by chance alone, and a matching takes the
    best of it. Both matrices are shuffled, so that only how many terms each feature has and how
    many features each term has is left of them.
    """
    rng = np.random.default_rng(seed)
    if convention == "corrected":
        left, right = _not_empty(left), _not_empty(right)
    drawn = [
        similarity(randomise_margins(left, rng), randomise_margins(right, rng), convention)
        for _ in range(n_draws)
    ]
    return float(np.mean(drawn)), float(np.std(drawn, ddof=1))


_COLUMNS = (
    *("comparison", "position", "left", "right", "convention", "filter"),
    *("n_features_left", "n_features_right", "n_terms_left", "n_terms_right", "n_shared"),
    *("share_shared", "pearson", "spearman", "similarity", "floor", "floor_sd"),
)


class _Run(NamedTuple):
    """What all seeds of one SAE on one model share."""

    dataset: str
    model: str
    family: str
    collection: str

    @classmethod
    def of(cls, name: str, relatives: Mapping[str, str]) -> _Run | None:
        """The run that a source belongs to; None for a control."""
        place = Place.parse(name)
        source = parse_source(place.sae)
        if source.kind != "sae":
            return None
        return cls(place.dataset, place.model, source.family(relatives), place.collection)


def _numbered(pairs: Sequence[Pair]) -> Iterator[tuple[int, Pair]]:
    for _, group in itertools.groupby(pairs, key=lambda pair: pair.comparison):
        yield from enumerate(group, start=1)


def _filters() -> Iterator[tuple[Convention, Filter]]:
    for convention, names in FILTERS.items():
        for name in names:
            yield convention, name


def _not_empty(matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    return matrix[np.diff(matrix.indptr) > 0]


def _compare(
    left: Carried, right: Carried, convention: Convention, config: ConceptConfig
) -> dict[str, object]:
    of_right = set(right.terms)
    shared = [term for term in left.terms if term in of_right]
    a, b = left.over(shared), right.over(shared)
    counts = np.column_stack([a.per_term, b.per_term]).astype(float)
    floor, floor_sd = float("nan"), float("nan")
    alike = similarity(a.matrix, b.matrix, convention) if shared else float("nan")
    if not np.isnan(alike):
        floor, floor_sd = floor_of(
            a.matrix, b.matrix, convention, n_draws=config.n_draws, seed=config.seed
        )
    matched = [
        matrix.shape[0] if convention == "published" else _not_empty(matrix).shape[0]
        for matrix in (a.matrix, b.matrix)
    ]
    return {
        "n_features_left": matched[0],
        "n_features_right": matched[1],
        "n_terms_left": len(left.terms),
        "n_terms_right": len(right.terms),
        "n_shared": len(shared),
        "share_shared": len(shared) / len(left.terms) if left.terms else float("nan"),
        "pearson": _correlation(counts),
        "spearman": _correlation(rankdata(counts, axis=0)),
        "similarity": alike,
        "floor": floor,
        "floor_sd": floor_sd,
    }


def _with_ceilings(table: pd.DataFrame, relatives: Mapping[str, str]) -> pd.DataFrame:
    """Beside every pair of embeddings what two seeds of either model reach."""
    table["above_floor"] = (table["similarity"] - table["floor"]) / (1 - table["floor"]).replace(
        0, np.nan
    )
    of_seeds: dict[tuple[_Run | None, str], list[pd.Series]] = {}
    for _, row in table[table["comparison"] == "seeds"].iterrows():
        key = _Run.of(row["left"], relatives), row["filter"]
        of_seeds.setdefault(key, []).append(row[list(_OF_SEEDS)].astype(float))
    ceilings = []
    for _, row in table.iterrows():
        runs = [_Run.of(row[side], relatives) for side in ("left", "right")]
        found = [seeds for run in runs for seeds in of_seeds.get((run, row["filter"]), [])]
        known = row["comparison"] == "embeddings" and found
        ceilings.append(pd.concat(found, axis=1).mean(axis=1) if known else pd.Series(dtype=float))
    means = pd.DataFrame(ceilings, index=table.index, columns=list(_OF_SEEDS)).astype(float)
    table[list(_OF_SEEDS.values())] = means.to_numpy()
    positive = table["ceiling_above_floor"].where(table["ceiling_above_floor"] > 0)
    table["scaled"] = table["above_floor"] / positive
    return table


_OF_SEEDS = {
    "similarity": "ceiling",
    "floor": "ceiling_floor",
    "above_floor": "ceiling_above_floor",
}


def _correlation(counts: NDArray) -> float:
    """Pearson r of two columns; NaN with fewer than two rows or a constant column."""
    if len(counts) < 2 or (np.ptp(counts, axis=0) == 0).any():
        return float("nan")
    return float(np.corrcoef(counts.T)[0, 1])
