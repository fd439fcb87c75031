"""How many gene sets some feature carries, of each part of the ontology and of all (in the paper
1,875 terms of biological process and 624 of molecular function).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from featurelens.concepts.config import Direction
from featurelens.concepts.space import every_filter

INPUTS = {
    "kept": "concepts/{annotated}/kept_terms.parquet",
    "terms": "genesets/{annotated.collection}/terms.tsv",
}
PARAMS = {"direction": "{concepts.direction}"}
TOGETHER = "concepts"
COLUMNS = ("sae", "convention", "filter", "part", "n_sets", "n_terms", "n_features")


def tabulate(
    kept: Mapping[str, pd.DataFrame], terms: Mapping[str, pd.DataFrame], *, direction: Direction
) -> pd.DataFrame:
    """Terms that some feature carries, by SAE, filter and part.

    Parameters
    ----------
    kept
        SAE name to the table of ``concepts.kept_terms``.
    terms
        SAE name to the terms of its collection: term, namespace, and collection where it is a
        union.
    direction
        Which corrected annotations count.

    Returns
    -------
    DataFrame
        sae, convention, filter, part (all; a namespace of the ontology, or a collection of the
        union), n_sets (of the part), n_terms (of these, that some feature carries), n_features
        (that carry one).
    """
    rows = []
    for sae, label, matrix in every_filter(kept, direction):
        known = pd.Index(matrix.terms)
        for part, names in parts_of(terms[sae]).items():
            columns = np.flatnonzero(known.isin(names))
            carry = matrix.matrix[:, columns].getnnz(axis=1) > 0
            row = {"sae": sae, "convention": label["convention"], "filter": label["filter"]}
            row |= {"part": part, "n_sets": len(names), "n_terms": len(columns)}
            rows.append(row | {"n_features": int(carry.sum())})
    return pd.DataFrame(rows, columns=list(COLUMNS))


def parts_of(terms: pd.DataFrame) -> dict[str, list[str]]:
    """Terms by part: all, then namespaces where terms have any, else collections of a union."""
    namespace = terms["namespace"].fillna("").astype(str)
    by = namespace if (namespace != "").any() else terms.get("collection", namespace)
    parts = {"all": terms["term"].astype(str).tolist()}
    return parts | {
        str(part): rows["term"].astype(str).tolist()
        for part, rows in terms.groupby(by, sort=True)
        if part
    }
