"""Numbers that this run chose, by their keys in its configuration, beside two that the published
convention fixes. Claims on what the paper chose are read here.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from featurelens.enrichment.term_tests import PUBLISHED_FIGURE_ALPHA

INPUTS: dict[str, str] = {}
PARAMS = {"chosen": "{settings}"}
NEEDS = ["claims"]
OUTPUTS = {"settings": ""}


def tabulate(chosen: Mapping[str, float]) -> pd.DataFrame:
    """One row a number.

    Parameters
    ----------
    chosen
        Key, as ``dge.high_percentile``, to its value.

    Returns
    -------
    DataFrame
        key and value; published.p_of_terms is the p of terms that count in the paper's figures.
    """
    fixed = {"published.p_of_terms": PUBLISHED_FIGURE_ALPHA}
    return pd.DataFrame([*chosen.items(), *fixed.items()], columns=["key", "value"])
