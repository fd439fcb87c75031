"""**Figure 3, under the paper's own filter.** As Figure 3, of every feature that carries a gene set
with a hit and a Mann-Whitney p of at most .01 in either direction, uncorrected: the filter of the
paper's figures of concepts. Under this filter features of permuted cells carry gene sets too
(``annotation.tsv``).
"""

from collections.abc import Mapping, Sequence

import anndata
from matplotlib.figure import Figure

from featurelens.figures import figure_3

INPUTS = {"concepts": "concepts/{first_annotated}/concepts_published.h5ad"}
PARAMS = {"probes": "{probes}?"}
TOGETHER = "concepts"


def draw(
    concepts: Mapping[str, anndata.AnnData], *, probes: Sequence[str] = figure_3.PAPER_PROBES
) -> Figure:
    """Draw Figure 3 of the concept spaces under the filter of the paper's figures."""
    return figure_3.draw(concepts, probes=probes)
