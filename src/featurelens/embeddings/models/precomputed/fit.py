"""An embedding that exists already: in the cells' own file, or joined by name from another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from featurelens.datasets.checks import check_embedding_key, chosen_cells, require_matrix
from featurelens.datasets.config import DatasetConfig, OwnCells
from featurelens.datasets.files import open_cells, require_key
from featurelens.embeddings.bundle import Fitted
from featurelens.embeddings.decoders.decoder import Decoder
from featurelens.embeddings.decoders.kinds.linear_simplex import LinearSimplexDecoder
from featurelens.embeddings.decoders.kinds.none import NoDecoder
from featurelens.embeddings.decoders.surrogate import fit_surrogate
from featurelens.embeddings.models.precomputed.config import PrecomputedModel
from featurelens.embeddings.models.precomputed.files import read_embedding
from featurelens.io import InputError, sha256_file

if TYPE_CHECKING:
    import anndata


def fit(cells: anndata.AnnData, config: PrecomputedModel) -> Fitted:
    """Take the embedding as it is; a surrogate decoder is fitted where the config asks for one.

    Raises
    ------
    InputError
        If the embedding is missing, is no matrix of finite numbers, or is one of other cells.
    """
    info: dict[str, Any] = {"key": config.key}
    if config.path is None:
        require_key(str(config.key), cells.obsm, "the cells: obsm")
        what = f"the cells: obsm[{config.key!r}]"
        scores = require_matrix(cells.obsm[str(config.key)], cells.obs_names, what)
    else:
        scores = read_embedding(config).of(cells.obs_names, "the cells")
        info |= {"path": config.path, "sha256": sha256_file(config.path)}
    if config.surrogate is not None:
        decoder, quality = fit_surrogate(scores, cells, config.surrogate)
        return Fitted(scores, decoder, info | {"surrogate": quality})
    return Fitted(scores, _decoder(cells, config, scores.shape[1]), info)


def _decoder(cells: anndata.AnnData, config: PrecomputedModel, d: int) -> Decoder:
    if config.factors is None:
        return NoDecoder()
    require_key(config.factors, cells.varm, "the cells: varm")
    factors = np.asarray(cells.varm[config.factors], dtype=np.float32)
    if factors.shape != (cells.n_vars, d) or (factors < 0).any() or not factors.any(axis=0).all():
        raise InputError(
            f"the cells: varm[{config.factors!r}] must hold non-negative factors, one column for "
            f"each of the {d} columns of obsm[{config.key!r}], none of them empty"
        )
    return LinearSimplexDecoder(factors=factors / factors.sum(axis=0))


def check(dataset: DatasetConfig, model: PrecomputedModel) -> int:
    """Dimensions, or an InputError where the files of model and dataset do not fit each other."""
    if model.path is not None:
        embedding = read_embedding(model)
        d = embedding.values.shape[1]
        if isinstance(dataset, OwnCells):
            with open_cells(dataset) as file:
                chosen = chosen_cells(file.table(), dataset) if dataset.only else slice(None)
                embedding.of(file.names[chosen], dataset.path)
    elif isinstance(dataset, OwnCells):
        d = check_embedding_key(dataset, str(model.key))
    else:
        raise InputError(
            f"{dataset.kind} brings no embedding of its own; use a model of kind pca or "
            "poisson_nmf, or give the path of a file with one"
        )
    if model.factors is not None:
        if not isinstance(dataset, OwnCells):
            raise InputError(f"{dataset.kind} brings no gene factors; leave factors out")
        with open_cells(dataset) as file:
            require_key(model.factors, file.part.get("varm", {}), f"{dataset.path}: varm")
    return d
