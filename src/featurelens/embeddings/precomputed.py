"""An embedding that came with the cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from featurelens.decoders import Decoder, LinearSimplexDecoder, NoDecoder
from featurelens.embeddings.bundle import Fitted
from featurelens.embeddings.checks import require_key, require_matrix
from featurelens.embeddings.config import PrecomputedModel
from featurelens.io import InputError

if TYPE_CHECKING:
    import anndata


def fit(cells: anndata.AnnData, config: PrecomputedModel) -> Fitted:
    """Take ``cells.obsm[config.key]`` as it is.

    Raises
    ------
    InputError
        If the key is missing, or is no matrix of finite numbers.
    """
    require_key(config.key, cells.obsm, "the cells: obsm")
    what = f"the cells: obsm[{config.key!r}]"
    scores = require_matrix(cells.obsm[config.key], cells.obs_names, what)
    return Fitted(scores, _decoder(cells, config, scores.shape[1]), {"key": config.key})


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
