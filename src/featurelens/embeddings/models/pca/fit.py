"""Principal components of log1p(counts per 10,000)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from featurelens.embeddings.bundle import Fitted
from featurelens.embeddings.decoders.kinds.pca import PCADecoder
from featurelens.embeddings.models.pca.config import PCAModel
from featurelens.io import InputError

if TYPE_CHECKING:
    import anndata


def fit(cells: anndata.AnnData, config: PCAModel) -> Fitted:
    """Centre ``cells.X`` and project it on its leading right singular vectors.

    The sparse matrix is never made dense. Signs are fixed by the largest loading of a component.

    Raises
    ------
    InputError
        If as many components are asked for as there are cells or genes.
    """
    from sklearn.decomposition import PCA

    limit = min(cells.shape) - 1
    if config.n_components > limit:
        raise InputError(
            f"n_components of pca is {config.n_components}, but {cells.n_obs} cells with "
            f"{cells.n_vars} genes give at most {limit}; ask for fewer"
        )
    model = PCA(config.n_components, svd_solver="arpack", random_state=config.seed)
    scores = model.fit_transform(cells.X)
    decoder = PCADecoder(
        components=model.components_.astype(np.float32), mean=model.mean_.astype(np.float32)
    )
    explained = float(model.explained_variance_ratio_.sum())
    return Fitted(scores, decoder, {"explained_variance": explained})
