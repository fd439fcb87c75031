"""Features that carry a gene set with a word in its name (Figures 3B, S25, S31), by the filter of
the run and by the one of the paper's figures: published finds the word within other words, letter
by letter; corrected finds whole words, in any case.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from featurelens.concepts.config import Direction
from featurelens.concepts.probes import matches
from featurelens.concepts.space import carried, direction_of
from featurelens.conventions import CONVENTIONS
from featurelens.enrichment.config import PAPER_FILTER, Filter, convention_of
from featurelens.features import lists

INPUTS = {"kept": "concepts/{annotated}/kept_terms.parquet"}
PARAMS = {
    "probes": "{all_probes}?",
    "name": "{concepts.filter}",
    "direction": "{concepts.direction}",
}
TOGETHER = "concepts"
_PROBES = (
    *("sae", "position", "filter", "convention", "probe", "n_terms", "n_features"),
    *("n_annotated", "share", "terms"),
)


def tabulate(
    kept: Mapping[str, pd.DataFrame],
    *,
    probes: Sequence[str],
    name: Filter,
    direction: Direction = "up",
) -> pd.DataFrame:
    """Which features carry a term that a probe finds, under both readings of a probe.

    Parameters
    ----------
    kept
        SAE name to the table of ``concepts.kept_terms``.
    probes
        Words or parts of words.
    name, direction
        Filter and direction of the run's concept space; the one of the paper's figures is probed
        besides.

    Returns
    -------
    DataFrame
        sae, position, filter, convention (of :func:`~featurelens.concepts.probes.matches`), probe,
        n_terms (found), n_features (that carry one), n_annotated, share (of the annotated), terms
        (found, separated by semicolons).
    """
    spaces = [
        (sae, position, each, carried(table, each, direction_of(convention_of(each), direction)))
        for position, (sae, table) in enumerate(kept.items(), start=1)
        for each in dict.fromkeys([name, PAPER_FILTER])
    ]
    rows = []
    for sae, position, each, matrix in spaces:
        n_annotated = len(matrix.features)
        of_sae = {"sae": sae, "position": position, "filter": each}
        for convention in CONVENTIONS:
            for probe in probes:
                found = matches(matrix.terms, probe, convention)
                hits = int((np.asarray(matrix.matrix[:, found].sum(axis=1)) > 0).sum())
                terms = np.array(matrix.terms, dtype=object)[found]
                rows.append(
                    of_sae
                    | {"convention": convention, "probe": probe}
                    | {"n_terms": int(found.sum()), "n_features": hits}
                    | {"n_annotated": n_annotated, "share": hits / max(n_annotated, 1)}
                    | {"terms": lists.join(map(lists.entry, terms))}
                )
    return pd.DataFrame(rows, columns=list(_PROBES))
