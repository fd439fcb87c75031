"""Join the summaries of every contrast and convention."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

INPUTS = {"summaries": "enrichment/{dataset}/{model}/{sae}/{collection}/summary_{of_tests}.tsv"}
OUTPUTS = {"table": "enrichment/{dataset}/{model}/{sae}/{collection}/summary.tsv"}


def make(summaries: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Put the rows of all below one another."""
    return pd.concat(summaries, ignore_index=True)
