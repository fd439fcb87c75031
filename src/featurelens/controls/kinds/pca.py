"""Principal components of measured expression, cut at their mean, which is zero."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from featurelens.controls.components import principal_scores
from featurelens.controls.control import Components, Control

if TYPE_CHECKING:
    import anndata


def components(cells: anndata.AnnData, n_components: int, seed: int) -> Components:
    """Leading principal components of ``cells.X``."""
    scores = principal_scores(cells, n_components, seed=seed)
    return Components(scores, np.zeros(scores.shape[1]))


CONTROL = Control(
    of="cells", label="PCA of expression ±", place=5, repeatable=False, components=components
)
