"""The atlas of a call (:func:`featurelens.annotate`), from the tables that it wrote."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from featurelens.atlas.build import build_atlas
from featurelens.atlas.material import OF_TRANSCODER, Collection, Material
from featurelens.conventions import CONVENTIONS
from featurelens.io import read_table

if TYPE_CHECKING:
    import anndata
    import pandas as pd

LACKING = {
    "concepts": "Map of features by gene sets: a run makes it (snakemake atlas).",
    "within": "Contrast within types: a run makes it (snakemake atlas).",
    "stability": "Stability over training seeds: a run makes it, with seeds under controls.",
    "steering": "Steering: a run makes it, with steering under the data set.",
    "confirmed": "Held-out confirmation: give enrichment={'confirmation': {}}.",
    "gsea": "GSEA: a run makes it, with gsea.",
}
"""What the page of a call does not hold, and where it is to be had."""


def atlas_of_call(
    place: Path,
    adata: anndata.AnnData,
    genes: pd.DataFrame,
    features: anndata.AnnData,
    directions: np.ndarray | None,
) -> str:
    """Write ``atlas/`` into the folder of a call; returns one line about it.

    Parameters
    ----------
    place
        Folder that holds the call's tables.
    adata
        Cells as they were given, with a UMAP of the same cells, or without.
    genes
        Of the call, as its tables name them.
    features
        Cells x features, with ``uns['summary']`` and ``uns['sae']``.
    directions
        What each feature adds to the embedding, (n_features, d); None of a transcoder.
    """
    umap = None
    if "X_umap" in adata.obsm and features.obs_names.equals(adata.obs_names):
        umap = np.asarray(adata.obsm["X_umap"])[:, :2]
    tests = {
        kind: {
            f"global_{convention}": path
            for convention in CONVENTIONS
            if (path := place / f"{kind}_{convention}.parquet").exists()
        }
        for kind in ("dge", "enrichment")
    }
    summary = features.uns["summary"]
    confirmed = place / "confirmed_corrected.tsv"
    material = Material(
        name="call/embedding/sae",
        run="call",
        features=features,
        genes=genes,
        dge=tests["dge"],
        collections={
            "gene sets": Collection(
                tests=tests["enrichment"],
                summary=summary,
                confirmed=read_table(confirmed) if confirmed.exists() else None,
            )
        },
        umap=umap,
        directions=directions,
        health=features.uns["sae"],
        lacking=LACKING if directions is not None else LACKING | OF_TRANSCODER,
    )
    return build_atlas(material, place / "atlas")
