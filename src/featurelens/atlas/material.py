"""What an atlas is made from, read: the results of one source of features."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from featurelens.embeddings.counts import read_genes
from featurelens.io import read_anndata, read_file, read_json, read_obsm, read_table

if TYPE_CHECKING:
    import anndata

OF_TRANSCODER = {
    "directions": "Directions of features, and what they explain of the embedding: a transcoder's "
    "decoder predicts another layer.",
    "steering": "Steering: not to be had of a transcoder, whose decoder predicts another layer.",
}
"""What is lacking of every transcoder, by the part of the page that needs it."""


@dataclass(frozen=True, kw_only=True)
class Collection:
    """What one collection of gene sets says of the features; what a run lacks is None or empty."""

    tests: Mapping[str, Path] = field(default_factory=dict)
    """``<contrast>_<convention>`` to the tests of every gene set in every feature."""
    terms: pd.DataFrame | None = None
    """Every gene set, with its size and its level in an ontology."""
    concepts: anndata.AnnData | None = None
    """Features laid out by the terms that they carry."""
    summary: pd.DataFrame | None = None
    """Shares of annotated features beside those of the nulls."""
    confirmed: pd.DataFrame | None = None
    """Terms declared on one half of the cells, tested on the other (corrected, global)."""
    gsea: pd.DataFrame | None = None
    """Scores of preranked GSEA of chosen features."""
    running: pd.DataFrame | None = None
    """Running sums of the sets that are drawn."""


@dataclass(frozen=True, kw_only=True)
class Material:
    """All that an atlas is made from; what a run lacks is None or empty."""

    name: str
    """``dataset/model/sae``, as in the paths of results."""
    run: str
    """Name of the run, or of the call."""
    features: anndata.AnnData
    """Cells x features (:func:`featurelens.features.describe.describe_features`)."""
    genes: pd.DataFrame
    """Genes of the cells: names as index, ``symbol``, further names in columns of text."""
    dge: Mapping[str, Path]
    """``<contrast>_<convention>`` to the tests of every gene in every feature."""
    collections: Mapping[str, Collection] = field(default_factory=dict)
    """By name."""
    umap: np.ndarray | None = None
    """Places of the cells, (n_cells, 2)."""
    directions: np.ndarray | None = None
    """What each feature adds to the embedding, (n_features, d)."""
    health: Mapping[str, Any] | None = None
    """How the SAE did: explained variance, dead features, features per cell."""
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    """Further tables by name: ``steering_selected``, ``steering_effects``, ``stability``, ..."""
    lacking: Mapping[str, str] = field(default_factory=dict)
    """What this run does not hold, and how to have it, by the part of the page that needs it."""


def read_material(
    name: str, files: Mapping[str, str], *, run: str, lacking: Mapping[str, str]
) -> Material:
    """Read the results of one source of features.

    Parameters
    ----------
    name
        ``dataset/model/sae``.
    files
        Paths by what they are: ``features``, ``cells``, ``layout``, ``weights``, ``health``,
        ``dge/<test>``, ``enrichment/<collection>/<test>``, ``terms``, ``concepts``, ``summary``,
        ``confirmed``, ``gsea`` and ``running`` (each followed by ``/<collection>``),
        ``tables/<name>``.
    run, lacking
        Of :class:`Material`.
    """
    by_kind: dict[str, dict[str, str]] = {}
    for key, path in files.items():
        kind, _, rest = key.partition("/")
        by_kind.setdefault(kind, {})[rest] = path
    collections = sorted({rest.partition("/")[0] for rest in by_kind.get("enrichment", {})})

    def one(kind: str, rest: str = "") -> Any:
        path = by_kind.get(kind, {}).get(rest)
        return None if path is None else read_file(path)

    directions = _directions(files.get("weights"))
    is_transcoder = "weights" in files and directions is None
    return Material(
        name=name,
        run=run,
        features=read_anndata(files["features"], read=_without_embedding),
        genes=read_genes(files["cells"]),
        dge={test: Path(path) for test, path in by_kind.get("dge", {}).items()},
        collections={
            collection: Collection(
                tests={
                    rest.partition("/")[2]: Path(path)
                    for rest, path in by_kind["enrichment"].items()
                    if rest.partition("/")[0] == collection
                },
                **{
                    kind: one(kind, collection)
                    for kind in ("terms", "concepts", "summary", "confirmed", "gsea", "running")
                },
            )
            for collection in collections
        },
        umap=_umap(files.get("layout")),
        directions=directions,
        health=read_json(files["health"]) if "health" in files else None,
        tables={rest: read_table(path) for rest, path in by_kind.get("tables", {}).items()},
        lacking={**lacking, **OF_TRANSCODER} if is_transcoder else lacking,
    )


def _without_embedding(path: Path) -> anndata.AnnData:
    """Features as described, without what is large and not shown: the embedding of the cells."""
    import anndata
    import h5py
    from anndata.io import read_elem

    with h5py.File(path) as file:
        obsm = {key: read_elem(file["obsm"][key]) for key in file["obsm"] if key != "X_emb"}
        parts = {key: read_elem(file[key]) for key in ("X", "obs", "var", "varm", "uns")}
    return anndata.AnnData(**parts, obsm=obsm)


def _umap(layout: str | None) -> np.ndarray | None:
    """Places of the cells in the file of their layout; too few cells have none."""
    import h5py

    if layout is None:
        return None
    with h5py.File(layout) as file:
        if "X_umap" not in file["obsm"]:
            return None
    return read_obsm(layout, "X_umap")


def _directions(weights: str | None) -> np.ndarray | None:
    """Decoder rows of an SAE by the file of its weights."""
    if weights is None:
        return None
    from featurelens.sae import model

    return model.load(Path(weights).parent).known_directions
