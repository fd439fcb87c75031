"""**Groups of cells compared.** How many features differ between two groups of cells, when donors
are the witnesses (corrected) and when cells are (published), and how often either test finds
something where donors change groups at random: .05 is what it should say.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from featurelens.tables.stacked import stack_named

INPUTS = {"summaries": "features/{contrasted}/comparisons_summary.tsv"}
TOGETHER = "cells"


def tabulate(summaries: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The summaries of all SAEs below one another, after sae; position is the last column."""
    return stack_named(summaries, "sae")
