"""What each embedding is: dimension, effective rank, gamma (distance of the mean from the origin
in units of spread), quantiles of the cells' norms, balanced accuracy of a linear probe of the
cell types with its chance level, and how well the decoder gives back the measured expression. A
surrogate decoder was fitted afterwards and is no part of the model.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from featurelens.tables.stacked import stack_named

INPUTS = {"diagnostics": "embeddings/{bundles}/diagnostics.tsv"}
TOGETHER = "cells"


def tabulate(diagnostics: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The diagnostics of all embeddings below one another, after embedding; position is last."""
    return stack_named(diagnostics, "embedding")
