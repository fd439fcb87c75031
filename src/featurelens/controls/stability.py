"""Do two runs of one method find the same annotations?

Features of both runs are matched one to one by the correlation of their activations over the same
cells; the annotations, which the matching has not seen, are then compared. A pair's agreement is
the Jaccard index of its sets of terms, a term in opposite directions not being shared. Pairs of
which neither feature has a term say nothing and are left out. Chance is the same pairs with
partners exchanged at random, which keeps how many terms each feature has and how common each is.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import sparse

from featurelens.features.matched import Matching


def compare_terms(
    matching: Matching,
    left: pd.DataFrame,
    right: pd.DataFrame,
    *,
    n_permutations: int = 20,
    seed: int = 0,
) -> dict[str, float]:
    """Agreement of the annotations of matched features.

    Parameters
    ----------
    matching
        Of :func:`featurelens.features.matched.match_features`.
    left, right
        What the features carry: columns feature (its number), term and direction.
    n_permutations
        Exchanges of partners behind the chance level.
    seed
        Of these exchanges.

    Returns
    -------
    dict
        n_matched (pairs), n_compared (pairs of which at least one feature has a term), correlation
        (mean over pairs), jaccard (mean over compared pairs), chance and chance_sd (mean and
        deviation over exchanges). NaN without pairs to compare.
    """
    sets = _incidence(matching, left, right)
    overlap = pair_jaccard(*sets)
    rng = np.random.default_rng(seed)
    n_pairs = len(matching.left)
    exchanged = [
        _mean(pair_jaccard(sets[0], sets[1][rng.permutation(n_pairs)]))
        for _ in range(n_permutations)
    ]
    return {
        "n_matched": n_pairs,
        "n_compared": int((~np.isnan(overlap)).sum()),
        "correlation": _mean(matching.correlation),
        "jaccard": _mean(overlap),
        "chance": _mean(np.array(exchanged)),
        "chance_sd": float(np.std(exchanged)) if exchanged else np.nan,
    }


def pair_jaccard(left: sparse.csr_matrix, right: sparse.csr_matrix) -> np.ndarray:
    """Jaccard index of each row of two binary matrices (n_pairs, n_terms); NaN for empty pairs.

    Examples
    --------
    >>> pair_jaccard(sparse.csr_matrix([[1, 1], [0, 0]]), sparse.csr_matrix([[0, 1], [0, 0]]))
    array([0.5, nan])
    """
    both = np.asarray(left.multiply(right).sum(axis=1)).ravel()
    either = np.asarray(left.sum(axis=1) + right.sum(axis=1)).ravel() - both
    return np.divide(both, either, out=np.full(len(both), np.nan), where=either > 0)


def _incidence(
    matching: Matching, left: pd.DataFrame, right: pd.DataFrame
) -> list[sparse.csr_matrix]:
    """Matched pairs x (term, direction) of either run, 0 or 1."""
    tables = [_found(table) for table in (left, right)]
    terms = pd.Index(np.concatenate([table["found"] for table in tables])).unique()
    matrices = []
    for table, features in zip(tables, (matching.left, matching.right), strict=True):
        rows = pd.Index(features).get_indexer(pd.Index(table["feature"]))
        columns = terms.get_indexer(pd.Index(table["found"]))
        kept = rows >= 0
        ones = np.ones(int(kept.sum()))
        shape = (len(features), len(terms))
        matrices.append(sparse.csr_matrix((ones, (rows[kept], columns[kept])), shape=shape))
    return matrices


def _found(table: pd.DataFrame) -> pd.DataFrame:
    """Number of the feature, and term and direction in one text."""
    found = table["term"].astype(str) + " " + table["direction"].astype(str)
    numbers = table["feature"].astype(str).astype(int)
    return pd.DataFrame({"feature": numbers, "found": found}).drop_duplicates()


def _mean(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else np.nan
