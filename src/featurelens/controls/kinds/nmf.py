"""Non-negative factors of measured expression, of least squared error from a random start."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from featurelens.controls.components import fitted, principal_scores
from featurelens.controls.control import Components, Control
from featurelens.embeddings.counts import whole

if TYPE_CHECKING:
    import anndata

ITERATIONS = 500


def components(cells: anndata.AnnData, n_components: int, seed: int) -> Components:
    """As many factors of ``cells.X`` as it has principal components."""
    from sklearn.decomposition import NMF

    rank = principal_scores(cells, n_components, seed=seed).shape[1]
    expression = sparse.csr_matrix(whole(cells.X), dtype=np.float64)
    model = NMF(rank, init="random", random_state=seed, max_iter=ITERATIONS)
    weights, converged = fitted(model, expression)
    return Components(weights, None, converged)


CONTROL = Control(of="cells", label="NMF of expression", place=7, components=components)
