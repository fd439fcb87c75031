"""Made cells in any number, written some at a time, so that making them takes little memory.

Cells are a Gaussian mixture; counts are Poisson, with rates that follow the embedding.
"""

from dataclasses import dataclass
from pathlib import Path

import anndata
import h5py
import numpy as np
import pandas as pd
from scipy import sparse

N_TYPES = 20
AT_ONCE = 10_000
"""Cells that are made at once."""


@dataclass(frozen=True)
class Shape:
    """Sizes of what is made."""

    n_cells: int = 1_000_000
    n_genes: int = 2_000
    filled: float = 0.05
    d: int = 50
    n_features: int = 2_000
    n_terms: int = 500


def write_cells(path: Path, shape: Shape, *, seed: int = 0) -> None:
    """An ``.h5ad`` file with raw counts in X (CSR), ``obs['cell_type']`` and ``obsm['X_emb']``."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(N_TYPES, shape.d)).astype(np.float32)
    loadings = (0.15 * rng.normal(size=(shape.d, shape.n_genes))).astype(np.float32)
    baseline = rng.normal(0, 1.0, size=shape.n_genes).astype(np.float32)
    kind = rng.choice(N_TYPES, size=shape.n_cells, p=rng.dirichlet(np.full(N_TYPES, 5.0)))
    z = centres[kind]
    for start in range(0, shape.n_cells, AT_ONCE):
        part = z[start : start + AT_ONCE]
        part += 0.6 * rng.standard_normal(size=part.shape, dtype=np.float32)
    shift = _shift(z[:AT_ONCE] @ loadings + baseline, shape.filled)
    anndata.AnnData(
        obs=pd.DataFrame(
            {"cell_type": pd.Categorical.from_codes(kind, [f"type {k}" for k in range(N_TYPES)])},
            index=[f"cell{number}" for number in range(shape.n_cells)],
        ),
        var=pd.DataFrame(index=[f"GENE{number}" for number in range(shape.n_genes)]),
        obsm={"X_emb": z},
    ).write_h5ad(path)
    with h5py.File(path, "a") as file:
        if "X" in file:
            del file["X"]
        group = file.create_group("X")
        group.attrs.update({"encoding-type": "csr_matrix", "encoding-version": "0.1.0"})
        group.attrs["shape"] = (shape.n_cells, shape.n_genes)
        chunk = {"maxshape": (None,), "chunks": (2**18,)}
        data = group.create_dataset("data", (0,), dtype=np.float32, **chunk)
        indices = group.create_dataset("indices", (0,), dtype=np.int32, **chunk)
        bounds = [np.zeros(1, dtype=np.int64)]
        for start in range(0, shape.n_cells, AT_ONCE):
            rates = np.exp(z[start : start + AT_ONCE] @ loadings + baseline + shift)
            counts = sparse.csr_matrix(rng.poisson(rates))
            first = len(data)
            for stored, values in ((data, counts.data), (indices, counts.indices)):
                stored.resize((first + counts.nnz,))
                stored[first:] = values
            bounds.append(first + counts.indptr[1:].astype(np.int64))
        group["indptr"] = np.concatenate(bounds)


def _shift(logarithms: np.ndarray, filled: float) -> float:
    """What is added to logarithms of rates so that a share of Poisson counts is not zero."""
    low, high = -20.0, 5.0
    for _ in range(40):
        middle = (low + high) / 2
        share = -np.expm1(-np.exp(logarithms + middle)).mean()
        low, high = (low, middle) if share > filled else (middle, high)
    return (low + high) / 2


def draw_sets(n_genes: int, n_terms: int, *, seed: int = 1) -> dict[str, list[str]]:
    """Sets of 10 to 200 genes at random, by name."""
    rng = np.random.default_rng(seed)
    return {
        f"SET{number}": [
            f"GENE{gene}" for gene in rng.choice(n_genes, size=rng.integers(10, 201), replace=False)
        ]
        for number in range(n_terms)
    }


def write_sets(path: Path, shape: Shape, *, seed: int = 1) -> None:
    """A GMT file of :func:`draw_sets`."""
    sets = draw_sets(shape.n_genes, shape.n_terms, seed=seed)
    lines = [f"{name}\tmade\t" + "\t".join(genes) + "\n" for name, genes in sets.items()]
    path.write_text("".join(lines))
