"""How much memory a job needs, from the numbers of cells, genes, dimensions and features.

Each stage holds some arrays whole; their sizes are added up from the code, a quarter is added for
what is not counted, and the result is at least what was measured for the annotation of
5,318 live features on 56,714 cells x 13,431 genes (benchmarks/results/annotation.md), and below
half a GiB for every stage of the default run.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from featurelens.config.run import DatasetRun, RunConfig
from featurelens.features.sources import parse_source
from featurelens.places import Place
from featurelens.sae.config import ImportedSAE, width

Stage = Literal[
    "train",
    "describe",
    "catalogue",
    "similarity",
    "steer",
    "control",
    "test",
    "enrich",
    "keep",
    "map",
    "layout",
]

_BASE = 700e6
"""Python, its libraries and their compiled kernels."""
_SPARSE = 8
"""Bytes of a non-zero value: 4 of itself, 4 of its column."""
_FILLED = 0.2
"""Share of expression that is not zero; single-cell counts have 5 to 20 %."""
_ACTIVE = 0.25
"""Share of activations that are not zero."""
_TERMS = 3000
"""Terms of a large collection: those of the Gene Ontology with 10 to 500 genes."""
_HELD, _ROWS = 2.0**30, 2.5e6
"""Bytes of expression that are held in memory (``dge.blocks.HELD``), and rows of gene tests that
are made at once (``dge.tables.ROWS``)."""
_MORE = 1.25


@dataclass(frozen=True)
class Sizes:
    """What a job works on; ``n_features`` are those of an SAE or of a control."""

    n_cells: int
    n_genes: int
    n_dimensions: int
    n_features: int = 0
    n_tokens: int = 0
    """Rows that an SAE encodes, where they are tokens of cells."""


def megabytes(stage: Stage, sizes: Sizes) -> int:
    """Memory of a job of a stage, in megabytes.

    Parameters
    ----------
    stage
        train: an SAE; describe: its features; catalogue: these beside other seeds; similarity: a
        map of those; control: features of a control of the cells; steer; test: genes; enrich:
        terms; keep: the terms kept; map: concepts; layout: of the cells.
    sizes
        What it works on.
    """
    cells, genes, features = sizes.n_cells, sizes.n_genes, sizes.n_features
    expression = cells * genes
    bundle = 2 * _SPARSE * _FILLED * expression  # counts, and their logarithms
    activations = _SPARSE * _ACTIVE * cells * features
    # Decoded or measured, float32: in memory, or in a file and a block of it for each thread.
    laid_out = min(4.0 * expression, _HELD) + 2 * 64.0 * cells
    # Rows of tables that are made at once; of the 512 features that are tested at once six numbers,
    # and five of those that no table holds yet.
    at_once = min(features, 512) * genes
    by_gene = 180.0 * min(features * genes, _ROWS) + 48.0 * at_once + 40.0 * max(at_once - _ROWS, 0)
    tested = 2 * activations + laid_out + by_gene  # activations, and the sets of cells they make
    by_term = 80.0 * features * _TERMS  # ten matrices of float64
    # Tokens as they are read and in the order of the cells; activations of some, and both poolings.
    states = 2 * 4.0 * sizes.n_tokens * sizes.n_dimensions + 16.0 * sizes.n_tokens
    pooled = 4e3 * 16.0 * features + activations if sizes.n_tokens else 0.0
    rows = sizes.n_tokens or cells
    needed = {
        # Weights, gradient, two moments and the best weights of encoder and decoder; the embedding.
        "train": 40.0 * features * sizes.n_dimensions + 16.0 * rows * sizes.n_dimensions + states,
        # Once as they are made, once in order; copies of the embedding in float64.
        "describe": 2 * activations + 24.0 * cells * sizes.n_dimensions + states + pooled,
        # Similarities and distances, each with a copy, of all features as if none were dead.
        "similarity": 2 * activations + 32.0 * features**2,
        # A few seeds; dense activations of 4,000 cells; four matrices of similarities, float64.
        "catalogue": 4 * activations + 4e3 * 32.0 * features + 32.0 * features**2,
        # A float64 copy of expression, and its scores.
        "control": bundle + 3 * _SPARSE * _FILLED * expression + 16.0 * cells * features,
        # A quarter of the cells: their activations for each feature turned, their expression; eight
        # numbers of every gene under 200 controls and draws of cells.
        "steer": bundle
        + activations
        + cells / 4 * (24.0 * features + 24.0 * genes)
        + 200 * 64.0 * genes,
        "test": tested,
        "enrich": tested + by_term,
        "keep": activations + by_term / 10,
        "map": activations + by_term / 5,
        # Copies of the embedding and trees over it; 15 neighbours of every cell, both ways, with
        # their distances, and how often UMAP has seen each (a million cells of 50: 2.5 GiB).
        "layout": 20.0 * cells * sizes.n_dimensions + 15 * 100.0 * cells,
    }
    return int(_MORE * (_BASE + needed[stage]) / 1e6)


def read_sizes(path: str | Path) -> Sizes:
    """Sizes of a bundle, from the head of its ``cells.h5ad``, and from ``bundle.json``.

    Raises
    ------
    FileNotFoundError
        If it is not there yet.
    """
    import errno

    import h5py

    if not Path(path).exists():
        raise FileNotFoundError(errno.ENOENT, "the bundle is not made yet", str(path))
    with h5py.File(path) as file:
        n_cells, n_dimensions = file["obsm/X_emb"].shape
        n_genes = len(file["var"][file["var"].attrs["_index"]])
    about = Path(path).with_name("bundle.json")
    fit = json.loads(about.read_text()).get("fit", {}) if about.exists() else {}
    return Sizes(n_cells, n_genes, n_dimensions, n_tokens=fit.get("n_tokens", 0))


def job_sizes(config: RunConfig, place: Place, *, below: str) -> Sizes:
    """What a job works on: sizes of the bundle, or those that are expected before it is made.

    Parameters
    ----------
    config
        The run.
    place
        An embedding, or an SAE or control of it, whose features are counted.
    below
        Folder of the results.

    Raises
    ------
    FileNotFoundError
        If the bundle is not there yet and no size is expected of it.
    """
    dataset, bundle = config.datasets[place.dataset], f"{below}/embeddings/{place.embedding}"
    sizes = _bundle_sizes(dataset, place.model, f"{bundle}/cells.h5ad")
    if not place.sae:
        return sizes
    source = parse_source(place.sae)
    if source.sae is not None:
        sae, d_in = config.saes[source.sae], sizes.n_dimensions
        if isinstance(sae, ImportedSAE):
            written = Path(f"{below}/sae/{place.embedding}/{source.sae}/cfg.json")
            return replace(sizes, n_features=_imported_width(sae, d_in, written))
        return replace(sizes, n_features=width(sae, d_in))
    # Two ends of every component.
    return replace(sizes, n_features=2 * max(config.controls.n_components, sizes.n_dimensions))


def _imported_width(sae: ImportedSAE, d_in: int, written: Path) -> int:
    """Features of an SAE that was trained elsewhere; before it is read, what its files can hold.

    They have encoder and decoder, of two bytes a number at the least.
    """
    if written.exists():
        return int(json.loads(written.read_text())["d_sae"])
    path = Path(sae.path)
    files = path.iterdir() if path.is_dir() else [path]
    n_bytes = sum(file.stat().st_size for file in files if file.is_file())
    return max(1, n_bytes // (2 * 2 * d_in))


def _bundle_sizes(dataset: DatasetRun, model: str, bundle: str) -> Sizes:
    expected = dataset.expected
    if expected is None or Path(bundle).exists():
        return read_sizes(bundle)
    dimensions = dataset.models[model].dimensions or expected.dimensions
    return Sizes(expected.cells, expected.genes, dimensions)
