"""One embedding of one dataset: cells, decoder and provenance, together in one folder.

``cells.h5ad``, ``decoder.json``, ``decoder.safetensors`` (without arrays for embeddings that cannot
be decoded) and ``bundle.json``. Reading checks that the parts belong together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from featurelens.datasets.checks import require_finite
from featurelens.embeddings.counts import read_in_file
from featurelens.embeddings.decoders.decoder import Decoder
from featurelens.embeddings.decoders.registry import AGAIN, load_decoder, save_decoder
from featurelens.embeddings.model import Model
from featurelens.io import (
    InputError,
    sha256_array,
    write_anndata,
    write_json,
)
from featurelens.json_files import read_object
from featurelens.version import __version__

if TYPE_CHECKING:
    import anndata


SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Origin:
    """What an embedding was taken from; None where a model has no such thing."""

    model_version: str | None = None
    """Which one of the models of its kind."""
    checkpoint_sha256: str | None = None
    """Of the file with its weights."""
    layer: int | None = None
    """Hidden layer, as its config counts."""
    pooling: str | None = None
    """How the states of a cell became one vector."""
    licence: str | None = None
    """Of the weights, where it is known."""


class Fitted(NamedTuple):
    """What a model makes of cells."""

    scores: np.ndarray
    """The embedding, (n_cells, d)."""
    decoder: Decoder
    """From the embedding to expression."""
    info: Mapping[str, Any]
    """What is worth knowing of the fit, in plain types."""
    covariate: np.ndarray | None = None
    """Covariate codes, (n_cells, c), of models that have them."""
    rows: np.ndarray | None = None
    """Positions of the cells that the embedding has; None means all of them, in their order."""
    origin: Origin = Origin()
    """What it was taken from."""
    columns: np.ndarray | None = None
    """Positions of the genes that the decoder has, in its order; None means all of them."""


@dataclass(frozen=True, eq=False)
class Bundle:
    """An embedding with everything that its use needs."""

    cells: anndata.AnnData
    """Cells; ``obsm['X_emb']`` is the embedding, (n_cells, d) float32."""
    decoder: Decoder
    """From the embedding to expression over ``cells.var_names``."""
    info: dict[str, Any]
    """Content of ``bundle.json``: model, its config, sizes, hash of the embedding."""

    @property
    def embedding(self) -> np.ndarray:
        """The embedding, (n_cells, d) float32."""
        return self.cells.obsm["X_emb"]

    @property
    def covariate(self) -> np.ndarray | None:
        """Covariate code of each cell, (n_cells, c) float32; None where the model has none."""
        return self.cells.obsm["X_cov"] if self.info.get("n_covariates") else None

    def decode(
        self, z: np.ndarray, *, rows: np.ndarray | None = None, library: float | np.ndarray = 1e4
    ) -> np.ndarray:
        """Mean expression of changed embeddings of this bundle's cells.

        Parameters
        ----------
        z
            (n, d).
        rows
            Cells that the rows of z belong to, (n,); their own covariate codes are used. None
            takes the mean code of the training cells.
        library
            One number, or one per row.

        Returns
        -------
        numpy.ndarray
            (n, n_genes) float32; rows sum to ``library``.
        """
        own = None if rows is None or self.covariate is None else self.covariate[rows]
        return self.decoder.decode(z, library=library, covariate=own)


def make_bundle(
    cells: anndata.AnnData,
    fitted: Fitted,
    config: Model,
    *,
    copy: bool = True,
    command: str | None = None,
) -> Bundle:
    """Join cells and what a model made of them.

    Parameters
    ----------
    copy
        Leave the cells given as they are; False writes the embedding into them, for callers that
        have no other use for them.
    command
        What makes this bundle again.

    Raises
    ------
    InputError
        If the embedding holds a value that is not finite.
    """
    scores = np.ascontiguousarray(fitted.scores, dtype=np.float32)
    if fitted.rows is not None or fitted.columns is not None:
        rows, columns = (slice(None) if p is None else p for p in (fitted.rows, fitted.columns))
        cells = cells[rows, columns].copy()
    elif copy:
        cells = cells.copy()
    require_finite(scores, cells.obs_names, f"the {config.kind} embedding")
    cells.obsm["X_emb"] = scores
    n_covariates = 0
    if fitted.covariate is not None:
        codes = np.ascontiguousarray(fitted.covariate, dtype=np.float32)
        require_finite(codes, cells.obs_names, f"the {config.kind} covariate codes")
        cells.obsm["X_cov"] = codes
        n_covariates = codes.shape[1]
    info = {
        "schema_version": SCHEMA_VERSION,
        "model": config.kind,
        **asdict(fitted.origin),
        "config": asdict(config),  # type: ignore[call-overload]
        "n_cells": cells.n_obs,
        "n_genes": cells.n_vars,
        "d": scores.shape[1],
        "n_covariates": n_covariates,
        "gene_id_type": "ensembl" if "ensembl" in cells.var.columns else "symbol",
        "decoder": fitted.decoder.type,
        "output_space": None if fitted.decoder.shape is None else "proportion",
        "library_key": "library",
        "split_column": "split",
        "seed": getattr(config, "seed", None),
        "embedding_sha256": sha256_array(scores),
        "featurelens": __version__,
        "command": command,
        "fit": dict(fitted.info),
    }
    return Bundle(cells=cells, decoder=fitted.decoder, info=info)


def write_bundle(bundle: Bundle, folder: str | Path) -> None:
    """Write a bundle; ``bundle.json`` comes last, so a folder that has it is complete."""
    folder = Path(folder)
    write_anndata(bundle.cells, folder / "cells.h5ad")
    save_decoder(bundle.decoder, folder)
    write_json(bundle.info, folder / "bundle.json")


def read_bundle(folder: str | Path) -> Bundle:
    """Read a bundle and check that its parts belong together.

    Counts and their logarithms stay in the file and are read by rows
    (:mod:`featurelens.embeddings.counts`).

    Raises
    ------
    InputError
        If a part is missing, of another schema version, or of another embedding.
    """
    folder = Path(folder)
    info = read_object(folder / "bundle.json", remedy=AGAIN)
    if info.get("schema_version") != SCHEMA_VERSION:
        raise InputError(
            f"{folder}/bundle.json: schema_version is {info.get('schema_version')!r}, "
            f"this version reads {SCHEMA_VERSION}; make the bundle again"
        )
    bundle = Bundle(
        cells=read_in_file(folder / "cells.h5ad"),
        decoder=load_decoder(folder),
        info=info,
    )
    _require_consistent(bundle, folder)
    return bundle


def _require_consistent(bundle: Bundle, folder: Path) -> None:
    if "X_emb" not in bundle.cells.obsm:
        raise InputError(f"{folder}/cells.h5ad: obsm has no 'X_emb'; make the bundle again")
    if sha256_array(bundle.embedding) != bundle.info.get("embedding_sha256"):
        raise InputError(
            f"{folder}/cells.h5ad: obsm['X_emb'] is not the embedding that bundle.json describes; "
            "make the bundle again"
        )
    if bundle.info.get("n_covariates") and "X_cov" not in bundle.cells.obsm:
        raise InputError(f"{folder}/cells.h5ad: obsm has no 'X_cov'; make the bundle again")
    expected = (bundle.embedding.shape[1], bundle.cells.n_vars)
    if bundle.decoder.shape not in (None, expected):
        raise InputError(
            f"{folder}/decoder.safetensors: decodes (d, n_genes) = {bundle.decoder.shape}, "
            f"but cells.h5ad has {expected}; make the bundle again"
        )
