"""Synthetic cells of the paper's shape: an embedding, features of it, its expression, gene sets.

Cells are a Gaussian mixture in 20 dimensions. A gene's expression is a softmax of the embedding, as
a decoder gives it; a feature is active where a direction of the embedding is large. Gene sets are
genes of similar loadings, so that there is something to find.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from featurelens.genesets.sets import GeneSets, Membership

D = 20
LIBRARY = 1e4
N_TYPES, N_BATCHES = 22, 4


@dataclass(frozen=True)
class Scale:
    """Sizes of a run."""

    n_cells: int
    n_genes: int
    d_sae: int
    n_live: int
    active_per_cell: float
    n_terms: int
    term_sizes: tuple[int, int]


SCALES = {
    "paper": Scale(56_714, 13_431, 10_000, 5_318, 190, 2_500, (10, 500)),
    "small": Scale(4_000, 1_200, 600, 320, 12, 200, (10, 100)),
}


@dataclass(frozen=True)
class Data:
    """Everything that an annotation starts from, expression apart."""

    z: np.ndarray
    cell_type: np.ndarray
    batch: np.ndarray
    activations: sparse.csr_matrix
    loadings: np.ndarray
    baseline: np.ndarray
    genes: list[str]
    membership: Membership

    def expression(self, n_rows: int = 1024) -> Iterator[tuple[slice, np.ndarray]]:
        """Mean counts at one library size, (n_rows, n_genes) float32 at a time."""
        for start in range(0, len(self.z), n_rows):
            rows = slice(start, min(start + n_rows, len(self.z)))
            values = self.z[rows] @ self.loadings + self.baseline
            np.exp(values, out=values)
            yield rows, values * (LIBRARY / values.sum(axis=1, keepdims=True))


def make(scale: Scale, seed: int = 0) -> Data:
    """Data of a scale; the same for the same seed."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(N_TYPES, D))
    kind = rng.choice(N_TYPES, size=scale.n_cells, p=rng.dirichlet(np.full(N_TYPES, 2.0)))
    z = centres[kind] + 0.4 * rng.normal(size=(scale.n_cells, D))
    loadings = 0.35 * rng.normal(size=(D, scale.n_genes))
    genes = [f"GENE{number}" for number in range(scale.n_genes)]
    return Data(
        z=z.astype(np.float32),
        cell_type=np.char.add("type", kind.astype(str)),
        batch=rng.integers(N_BATCHES, size=scale.n_cells).astype(str),
        activations=_features(z.astype(np.float32), scale, rng),
        loadings=loadings.astype(np.float32),
        baseline=rng.normal(0, 1.5, size=scale.n_genes).astype(np.float32),
        genes=genes,
        membership=_terms(loadings, genes, scale, rng),
    )


def _features(z: np.ndarray, scale: Scale, rng: np.random.Generator) -> sparse.csr_matrix:
    """Activations (n_cells, d_sae): shares of active cells are log-normal, the mean is given."""
    share = rng.lognormal(0, 1.3, size=scale.n_live)
    for _ in range(20):  # bounded to 80 % and 20 cells, the mean still as given
        share *= scale.active_per_cell / share.sum()
        share = np.clip(share, 20 / scale.n_cells, 0.8)
    columns = np.sort(rng.choice(scale.d_sae, size=scale.n_live, replace=False))
    parts, rows = [], []
    for column, part in zip(columns, share, strict=True):
        height = z @ rng.normal(size=D).astype(np.float32)
        n_active = round(part * scale.n_cells)
        order = np.argpartition(height, scale.n_cells - n_active)
        cells = np.sort(order[-n_active:].astype(np.int32))  # no view, which would keep the whole
        parts.append(height[cells] - height[cells].min() + 1e-3)
        rows.append((column, cells))
    indices = np.concatenate([cells for _, cells in rows])
    bounds = np.zeros(scale.d_sae + 1, dtype=np.int64)
    bounds[columns + 1] = [len(cells) for _, cells in rows]
    shape = (scale.n_cells, scale.d_sae)
    values = np.concatenate(parts)
    return sparse.csc_matrix((values, indices, np.cumsum(bounds)), shape=shape).tocsr()


def _terms(
    loadings: np.ndarray, genes: list[str], scale: Scale, rng: np.random.Generator
) -> Membership:
    """Genes drawn with odds that grow along a direction of the loadings; sizes log-uniform."""
    low, high = np.log(scale.term_sizes)
    sizes = np.round(np.exp(rng.uniform(low, high, size=scale.n_terms))).astype(int)
    names, members = np.array(genes), []
    for size in sizes:
        odds = np.exp(2 * rng.normal(size=D) @ loadings)
        drawn = rng.choice(len(genes), size=size, replace=False, p=odds / odds.sum())
        members.append(tuple(names[drawn]))
    sets = GeneSets(
        names=tuple(f"TERM{number}" for number in range(scale.n_terms)),
        descriptions=("synthetic",) * scale.n_terms,
        genes=tuple(members),
    )
    return sets.membership(genes, min_genes=1, max_genes=len(genes))
