"""Controls of the cells: features from components of expression or of the embedding.

Features are not negative, components may be. A signed component therefore becomes two features, as
far as the cell lies above its centre and as far as it lies below: genes of opposite ends are then
tested apart, and the sign of a component, which PCA and ICA leave open, does not matter.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from featurelens.controls.config import ControlConfig
from featurelens.controls.control import Components, load_control
from featurelens.embeddings.counts import whole
from featurelens.features.config import FeatureConfig
from featurelens.features.describe import describe_features
from featurelens.features.sources import Source
from featurelens.io import InputError
from featurelens.recovery.baselines import RELATIVE_RANK

if TYPE_CHECKING:
    import anndata


def describe_control(
    cells: anndata.AnnData,
    source: Source,
    *,
    config: ControlConfig,
    features: FeatureConfig,
    log: Callable[[str], None],
) -> anndata.AnnData:
    """Features of one control of the cells, described as those of an SAE are.

    Parameters
    ----------
    cells
        Of a bundle: ``X`` log1p counts per 10,000 (sparse), ``obsm['X_emb']`` the embedding.
    source
        Which control; its seed, if it has one, stands for ``config.seed``.
    log
        Receives how many components there are, and whether they are fewer than asked for.

    Returns
    -------
    AnnData
        Cells x features; var has a further column ``component`` such as ``pca 1 +``.

    Raises
    ------
    InputError
        If expression does not vary.
    """
    found = components(
        cells,
        source.kind,
        n_components=config.n_components,
        seed=config.seed if source.seed is None else source.seed,
    )
    n_found = found.scores.shape[1]
    if load_control(source.kind).as_many and n_found < config.n_components:
        log(f"{config.n_components} components asked for, {n_found} kept: the rank of expression")
    if not found.converged:
        log(f"{source.kind} did not converge; its last step is kept")
    if found.centre is None:
        activations, ends = _sparse(found.scores), [""]
    else:
        activations, ends = halves(found.scores, found.centre), [" +", " -"]
    described = describe_features(activations, cells, features)
    described.var["component"] = [
        f"{source.kind} {number}{end}" for number in range(1, n_found + 1) for end in ends
    ]
    log(f"{source.name}: {described.n_vars} features of {n_found} components")
    return described


def components(cells: anndata.AnnData, kind: str, *, n_components: int, seed: int) -> Components:
    """Scores of cells on the components of a control of the cells.

    Raises
    ------
    InputError
        If expression does not vary.
    LookupError
        If there is no such control.
    """
    decompose = load_control(kind).components
    if decompose is None:
        raise LookupError(f"{kind!r} is no control of the cells")
    return decompose(cells, n_components, seed)


def principal_scores(cells: anndata.AnnData, n_components: int, *, seed: int) -> np.ndarray:
    """Scores on the leading principal components of expression, at most its rank (n_cells, k).

    A component counts if its singular value is above a millionth of the largest. The sparse matrix
    is never made dense.

    Raises
    ------
    InputError
        If expression does not vary.
    """
    from sklearn.decomposition import PCA

    expression = sparse.csr_matrix(whole(cells.X), dtype=np.float64)
    limit = min(expression.shape) - 1
    varies = limit > 0 and (expression.max(axis=0) != expression.min(axis=0)).nnz > 0
    if not varies:
        raise InputError("expression does not vary between cells; there is nothing to decompose")
    model = PCA(min(n_components, limit), svd_solver="arpack", random_state=seed)
    scores = model.fit_transform(expression)
    return scores[:, model.singular_values_ > RELATIVE_RANK * model.singular_values_[0]]


def halves(scores: np.ndarray, centre: np.ndarray) -> sparse.csr_matrix:
    """Both ends of every component: (n_cells, 2 k) not negative, + and - of each side by side."""
    above = scores - centre
    ends = np.stack([np.maximum(above, 0), np.maximum(-above, 0)], axis=2)  # (n_cells, k, 2)
    return _sparse(ends.reshape(len(scores), -1))


def _sparse(values: np.ndarray) -> sparse.csr_matrix:
    return sparse.csr_matrix(values, dtype=np.float32)


def fitted(model, data) -> tuple[np.ndarray, bool]:  # type: ignore[no-untyped-def]
    """Scores, and whether the iteration settled; the caller tells where it did not."""
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        scores = model.fit_transform(data)
    return scores, not any(issubclass(w.category, ConvergenceWarning) for w in caught)
