"""Cells and a model in, one bundle out."""

from __future__ import annotations

from inspect import signature
from typing import TYPE_CHECKING

from featurelens.embeddings.counts import read_in_file
from featurelens.embeddings.model import Model
from featurelens.embeddings.registry import model_code
from featurelens.io import read_anndata
from featurelens.means import ALONE, Means

if TYPE_CHECKING:
    from pathlib import Path

    import anndata

    from featurelens.embeddings.bundle import Bundle


def read_cells(path: str | Path, config: Model) -> anndata.AnnData:
    """Cells as :func:`embed` takes them; where the embedding is given, counts stay in the file.

    Raises
    ------
    InputError
        As :func:`featurelens.io.read_anndata`.
    """
    return read_in_file(path) if config.is_given else read_anndata(path)


def embed(
    cells: anndata.AnnData,
    config: Model,
    *,
    copy: bool = True,
    means: Means = ALONE,
    command: str | None = None,
) -> Bundle:
    """Embed cells with a model.

    Parameters
    ----------
    cells
        Cells as :func:`featurelens.datasets.readers.read_dataset` returns them.
    config
        The model.
    copy
        As :func:`featurelens.embeddings.bundle.make_bundle`.
    means
        With what a model runs that takes them, and whom it tells of its progress.
    command
        What makes this bundle again; it is written into its description.

    Returns
    -------
    Bundle
        The cells with ``obsm['X_emb']`` (n_cells, d) float32, the decoder, and its description.

    Raises
    ------
    InputError
        If the model does not fit the cells, or the embedding holds a value that is not finite.
    """
    from featurelens.embeddings.bundle import make_bundle

    fit = model_code(config.kind).fit
    takes_means = "means" in signature(fit).parameters
    fitted = fit(cells, config, means=means) if takes_means else fit(cells, config)
    return make_bundle(cells, fitted, config, copy=copy, command=command)
