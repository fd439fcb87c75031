"""Cells and a model in, one bundle out: embedding, decoder and where they come from.

One file per model, each with ``fit(cells, config) -> Fitted``; those in :data:`NETWORKS` take
``threads``, ``device`` and ``log`` as well. Adding a model is a config class
in :mod:`featurelens.embeddings.config`, a file, and a line in :data:`MODELS`.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from featurelens.embeddings.config import ModelConfig

if TYPE_CHECKING:
    import anndata

    from featurelens.embeddings.bundle import Bundle

MODELS = {
    "pca": "featurelens.embeddings.pca",
    "poisson_nmf": "featurelens.embeddings.poisson_nmf",
    "precomputed": "featurelens.embeddings.precomputed",
    "multidgd": "featurelens.embeddings.multidgd",
    "geneformer": "featurelens.embeddings.geneformer",
    "scvi": "featurelens.embeddings.scvi",
}
"""Module of each model, by the kind of its config; imported only when it runs."""

NETWORKS = ("geneformer", "scvi")
"""Models that run a network, and so are told of threads, device and log."""


def embed(
    cells: anndata.AnnData,
    config: ModelConfig,
    *,
    copy: bool = True,
    threads: int = 1,
    device: str = "cpu",
    command: str | None = None,
    log: Callable[[str], None] | None = None,
) -> Bundle:
    """Embed cells with a model.

    Parameters
    ----------
    cells
        Cells as :func:`featurelens.embeddings.datasets.read_dataset` returns them.
    config
        The model.
    copy
        As :func:`featurelens.embeddings.bundle.make_bundle`.
    threads, device
        Where a network runs: threads on a CPU, and ``cpu`` or ``cuda``.
    command
        What makes this bundle again; it is written into its description.
    log
        Takes progress, one line at a time.

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

    means = {"threads": threads, "device": device, "log": log or _silent}
    fit = import_module(MODELS[config.kind]).fit
    fitted = fit(cells, config, **means) if config.kind in NETWORKS else fit(cells, config)
    return make_bundle(cells, fitted, config, copy=copy, command=command)


def _silent(line: str) -> None:
    """Take a line and say nothing."""
