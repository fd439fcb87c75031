"""Independent components of measured expression: principal ones, unmixed and cut at zero."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from featurelens.controls.components import fitted, principal_scores
from featurelens.controls.control import Components, Control

if TYPE_CHECKING:
    import anndata

ITERATIONS = 1000


def components(cells: anndata.AnnData, n_components: int, seed: int) -> Components:
    """FastICA of the principal scores of ``cells.X``."""
    from sklearn.decomposition import FastICA

    scores = principal_scores(cells, n_components, seed=seed)
    model = FastICA(whiten="unit-variance", random_state=seed, max_iter=ITERATIONS)
    sources, converged = fitted(model, scores)
    return Components(sources, np.zeros(scores.shape[1]), converged)


CONTROL = Control(of="cells", label="ICA of expression ±", place=6, components=components)
