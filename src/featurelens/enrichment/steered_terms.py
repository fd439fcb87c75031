"""Gene sets of an edit: the annotation's own test of terms, ranked among the edit's controls.

A set whose genes are decoded together rises or falls with many directions of the embedding, so the
p of a rank-sum test over genes says little. The same test is run on every control, and the p of a
set is the rank of its z among theirs: at least 1 in as many and one.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from featurelens.enrichment.term_tests import GeneStatistics, test_terms_corrected
from featurelens.genesets.sets import Membership
from featurelens.stats import multiple

TERM_COLUMNS = (
    *("feature", "term", "n_genes", "direction", "effect", "z", "z_controls", "p", "q"),
    "n_controls",
)
"""Of :func:`steered_terms`."""


def steered_terms(
    feature: str, effect: NDArray, controls: NDArray, membership: Membership
) -> pd.DataFrame:
    """Test every gene set in the effects of one edit.

    Parameters
    ----------
    feature
        Its name.
    effect
        log2 effect on every gene, (n_genes,), in the membership's order.
    controls
        The same of every control, (n_controls, n_genes).
    membership
        Gene sets over these genes.

    Returns
    -------
    DataFrame
        One row a term: n_genes (of it, in the data), direction, effect (probability that a gene of
        the set is changed more than another one), z (Mann-Whitney, unit of ranks), z_controls (root
        mean square over controls: 1 where genes of a set were independent), p (rank of abs(z) among
        the controls'), q (Benjamini-Hochberg over terms), n_controls; by p, then abs(z).
    """
    values = np.vstack([effect[None], controls]).astype(np.float64)
    nothing = np.ones_like(values)
    statistics = GeneStatistics(
        features=(feature, *map(str, range(len(controls)))),
        n_low=np.zeros(len(values), dtype=np.int64),
        log2_fold=values,
        t=values,
        q=nothing,
    )
    tests = test_terms_corrected(statistics, membership, deg_p=0.05, fold=1.0, hits=False)
    z = np.nan_to_num(tests.z_mannwhitney)
    larger = np.abs(z[1:]) >= np.abs(z[0]) - 1e-9
    p = (1 + larger.sum(axis=0)) / len(z)
    table = pd.DataFrame(
        {
            "feature": feature,
            "term": list(membership.terms),
            "n_genes": membership.sizes,
            "direction": np.where(tests.higher[0], "up", "down"),
            "effect": tests.effect[0],
            "z": z[0],
            "z_controls": np.sqrt((z[1:] ** 2).mean(axis=0)),
            "p": p,
            "q": multiple.bh(p),
            "n_controls": len(controls),
        }
    )
    order = np.lexsort((-np.abs(table["z"].to_numpy()), table["p"].to_numpy()))
    return table.iloc[order].reset_index(drop=True)[list(TERM_COLUMNS)]
