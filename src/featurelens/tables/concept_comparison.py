"""How alike the concepts of two SAEs are, for pairs of embeddings of the same cells and pairs of
seeds on one embedding: shared gene sets, correlation of their counts, and the mean Jaccard index of
features matched one to one. Its floor is the same matching after both matrices were shuffled with
their row and column sums kept; its ceiling is that of two seeds of one model. In the column scaled
chance is 0 and two seeds are 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from featurelens.concepts.comparison import compare_concepts
from featurelens.concepts.config import ConceptConfig
from featurelens.options import build

if TYPE_CHECKING:
    import pandas as pd

INPUTS = {"kept": "concepts/{compared}/kept_terms.parquet"}
PARAMS = {"config": "{concept_settings}", "relatives": "{relatives}?"}
MEMORY = 4000


def tabulate(
    kept: Mapping[str, pd.DataFrame], *, config: Mapping[str, Any], relatives: Mapping[str, str]
) -> pd.DataFrame:
    """As :func:`featurelens.concepts.comparison.compare_concepts`."""
    return compare_concepts(kept, build(ConceptConfig, config), relatives=relatives)
