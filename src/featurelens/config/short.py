"""A run in two words: where the cells are, and their embedding.

``snakemake scfeaturelens --config cells=my.h5ad embedding=X_scVI`` needs no file. What the words
leave open has the values here; the target ``check`` writes them to ``results/<run>/config.yaml``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Any

from featurelens.embeddings.models.precomputed.config import EMBEDDING_SUFFIXES, suffix_of
from featurelens.io import InputError

WORDS = {
    "cells": "file or folder of cells, as cells.path",
    "embedding": "key of obsm, a file with the embedding, or pca to make one",
    "gene_sets": "file of gene sets",
    "cell_type": "column of obs",
    "batch": "column of obs",
    "counts_layer": "X, raw.X or the name of a layer",
    "symbol": "column of var",
    "modality": "name of a modality",
    "run": "name of the run",
}
"""What may be said, and what it is."""
OF_CELLS = ("cell_type", "batch", "counts_layer", "symbol", "modality")
GENE_SETS = "config/genesets/blood_families.gmt"
"""Taken where none are given: the sets that come with the workflow."""
FEW = 10_000
"""Of fewer cells the top 5 % are high ones, else the top 1 % as in the paper."""
COMPONENTS = 20
"""Principal components that ``embedding=pca`` makes, of cells that have no embedding."""
ROWS_SEEN = 1_000_000
"""Cells that the SAE is trained on, counted as often as they come."""


def is_short(config: Mapping[str, Any]) -> bool:
    """Whether a run is described in words of :data:`WORDS`."""
    return "cells" in config


def in_full(
    config: Mapping[str, Any], n_cells: Callable[[str], int]
) -> tuple[Mapping[str, Any], list[str]]:
    """The mapping of a run that a few words describe, and lines on what was chosen for them.

    Parameters
    ----------
    config
        Words of :data:`WORDS`; parts of a config that stand beside them take the place of the
        defaults. A mapping without ``cells`` comes back as it is.
    n_cells
        Gives the number of cells of a file.

    Raises
    ------
    InputError
        If the embedding is missing.
    """
    if not is_short(config):
        return config, []
    words = {name: config[name] for name in WORDS if name in config}
    cells = str(words["cells"])
    if "embedding" not in words:
        known = ", ".join(f"{name}= ({about})" for name, about in WORDS.items())
        raise InputError(f"config: 'embedding' is missing beside 'cells'; there are {known}")
    count = n_cells(cells)
    gene_sets = str(words.get("gene_sets", GENE_SETS))
    made: dict[str, Any] = {
        "run": _name(cells),
        "datasets": {
            "mine": {
                "cells": {"path": cells} | {key: words[key] for key in OF_CELLS if key in words},
                "models": {_name(str(words["embedding"])): _model(str(words["embedding"]))},
            }
        },
        "saes": {
            "topk": {
                "architecture": "topk",
                "expansion": 20,
                "k": 5,
                "learning_rate": 0.001,
                "epochs": max(1, round(ROWS_SEEN / max(count, 1))),
            }
        },
        "collections": {_name(gene_sets): {"path": gene_sets}},
        "dge": {"expression": "measured", "high_percentile": 95 if count < FEW else 99},
    }
    others = {key: value for key, value in config.items() if key not in WORDS or key == "run"}
    return made | others, _lines(words, made)


def _lines(words: Mapping[str, Any], made: Mapping[str, Any]) -> list[str]:
    sae, dge = made["saes"]["topk"], made["dge"]
    line = (
        f"note: chosen: a TopK SAE of 20 features a dimension, {sae['k']} % active, "
        f"{sae['epochs']} epochs; the top {100 - dge['high_percentile']} % of cells are high; "
        "snakemake check writes all of it to results/<run>/config.yaml, to change"
    )
    if "gene_sets" in words:
        return [line]
    taken = f"note: gene_sets are not given: {GENE_SETS} is taken, of blood cells (gene_sets=FILE)"
    return [line, taken]


def _model(embedding: str) -> dict[str, Any]:
    if embedding == "pca":
        return {"kind": "pca", "n_components": COMPONENTS}
    is_file = suffix_of(embedding) in EMBEDDING_SUFFIXES
    return {"kind": "precomputed", "path" if is_file else "key": embedding}


def _name(path: str) -> str:
    """A name of a run or a model from that of a file or a key.

    Examples
    --------
    >>> _name("data/my cells.v2.h5ad"), _name("X_scVI"), _name("h.all.gmt.gz")
    ('my-cells-v2', 'scVI', 'h-all')
    """
    name = PurePath(path).name.removesuffix(".gz")
    stem = name.removesuffix(PurePath(name).suffix).removeprefix("X_")
    return re.sub(r"[^A-Za-z0-9]+", "-", stem).strip("-") or "mine"
