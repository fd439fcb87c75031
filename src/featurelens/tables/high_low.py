"""**High and low cells of a type.** Cells above the 95th and below the 5th percentile of the type's
active ones; published: inactive cells come back among the low. A second modality of the cells is
compared on its own columns alone: the mean over them, and the share of them that is not zero, with
standard errors, beside how often shuffled cells lie as far apart.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from featurelens.tables.stacked import stack_named

INPUTS = {"sets": "dge/{divided}/high_low_sets.tsv"}
TOGETHER = "cells"


def tabulate(sets: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The sets of all SAEs below one another, after sae; position is the last column."""
    return stack_named(sets, "sae")
