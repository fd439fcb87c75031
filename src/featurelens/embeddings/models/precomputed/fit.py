"""An embedding that exists already: in the cells' own file, or joined by name from another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from featurelens.datasets.checks import chosen_cells
from featurelens.datasets.config import DatasetConfig, OwnCells
from featurelens.datasets.files import open_cells, require_key
from featurelens.datasets.stored import require_chunks
from featurelens.datasets.stores import parts_of
from featurelens.embeddings.bundle import Fitted
from featurelens.embeddings.decoders.decoder import Decoder
from featurelens.embeddings.decoders.kinds.linear_simplex import LinearSimplexDecoder
from featurelens.embeddings.decoders.kinds.none import NoDecoder
from featurelens.embeddings.decoders.surrogate import fit_surrogate
from featurelens.embeddings.model import Checked
from featurelens.embeddings.models.precomputed.config import PrecomputedModel
from featurelens.embeddings.models.precomputed.files import read_embedding
from featurelens.embeddings.models.precomputed.given import Given, require_given
from featurelens.embeddings.token_rows import TokenRows, read_token_rows
from featurelens.io import InputError, sha256_array, sha256_file

if TYPE_CHECKING:
    import anndata


NO_EMBEDDING = "one in another file is given by its path, and a model of kind pca makes one"
"""What else there is to do where an embedding is missing."""


def fit(cells: anndata.AnnData, config: PrecomputedModel) -> Fitted:
    """Take the embedding as it is; a surrogate decoder is fitted where the config asks for one.

    Cells whose row is NaN are left out.

    Raises
    ------
    InputError
        If the embedding is missing, is no matrix of numbers, is one of other cells, or too many
        cells are without.
    """
    info: dict[str, Any] = {"key": config.key}
    if config.path is None:
        require_key(str(config.key), cells.obsm, "the cells: obsm")
        what = f"the cells: obsm[{config.key!r}]"
        stored = cells.obsm[str(config.key)]
        given = require_given(stored, cells.obs_names, what, most_missing=config.max_missing)
    elif config.has_token_rows:
        tokens = read_token_rows(config, cells.obs_names, "the cells")
        given = Given(tokens.means())
        info |= {"path": config.path, "n_tokens": len(tokens.values)}
        info |= {"pooling": config.pooling, "tokens_sha256": sha256_array(tokens.values)}
    else:
        given = Given(read_embedding(config).of(cells.obs_names, "the cells"))
        info |= {"path": config.path, "sha256": sha256_file(config.path)}
    scores, rows = given.values, None
    if given.n_missing:
        rows = np.flatnonzero(given.has)
        scores, cells = scores[rows], cells[rows]
        info["n_cells_without"] = given.n_missing
    if config.surrogate is not None:
        decoder, quality = fit_surrogate(scores, cells, config.surrogate)
        return Fitted(scores, decoder, info | {"surrogate": quality}, rows=rows)
    return Fitted(scores, _decoder(cells, config, scores.shape[1]), info, rows=rows)


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


def check(dataset: DatasetConfig, model: PrecomputedModel) -> Checked:
    """An InputError where the files of model and dataset do not fit each other."""
    given = look(dataset, model)
    n, d = given.values.shape
    if not given.n_missing:
        return Checked(d)
    where = model.path or f"obsm[{model.key!r}]"
    remark = (
        f"{where}: {given.n_missing} of {n} cells have no embedding of {d} dimensions (rows of "
        "NaN) and are left out (max_missing)"
    )
    return Checked(d, (remark,))


def look(dataset: DatasetConfig, model: PrecomputedModel) -> Given:
    """The embedding of the dataset's cells, in their order."""
    if model.path is not None:
        embedding = read_embedding(model)
        given = Given(embedding.values)
        if isinstance(dataset, OwnCells):
            with open_cells(dataset) as file:
                chosen = chosen_cells(file.table(), dataset) if dataset.only else slice(None)
                names = file.names[chosen]
                if model.has_token_rows:
                    given = Given(TokenRows.of(embedding, names, dataset.path).means())
                else:
                    given = Given(embedding.of(names, dataset.path))
    elif isinstance(dataset, OwnCells):
        given = _in_cells(dataset, model)
    else:
        raise InputError(
            f"{dataset.kind} brings no embedding of its own; use a model of kind pca or "
            "poisson_nmf, or give the path of a file with one"
        )
    _require_factors(dataset, model)
    return given


def _in_cells(dataset: OwnCells, model: PrecomputedModel) -> Given:
    """The embedding in the file of the cells, of which nothing else is read."""
    from anndata.io import read_elem

    key = str(model.key)
    with open_cells(dataset) as file:
        where = f"{dataset.path}: obsm"
        require_key(key, file.obsm, where, otherwise=NO_EMBEDDING)
        stored, rows = file.obsm[key]
        require_chunks(stored, f"{where}[{key!r}]")
        names = file.names if rows is None else file.row_names
        value = read_elem(stored)
    return require_given(value, names, f"{where}[{key!r}]", most_missing=model.max_missing)


def _require_factors(dataset: DatasetConfig, model: PrecomputedModel) -> None:
    """Raise :class:`InputError` where the decoder that a model names is not in the cells' file."""
    if model.factors is not None:
        if not isinstance(dataset, OwnCells):
            raise InputError(f"{dataset.kind} brings no gene factors; leave factors out")
        with open_cells(dataset) as file:
            require_key(model.factors, parts_of(file.part, "varm"), f"{dataset.path}: varm")
