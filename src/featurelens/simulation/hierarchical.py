"""The hierarchical simulation: cell types and batches turn programs on, programs make genes."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np

from featurelens.simulation.config import HierarchicalSimulation
from featurelens.simulation.observables import Observables, row_chunks
from featurelens.simulation.variables import categorical, list_variables, new_adata

if TYPE_CHECKING:
    import torch
    from anndata import AnnData


BLOCK_CELLS = 10_000
_SEED_STRIDE = 1 << 20


def draw_connectivity(config: HierarchicalSimulation) -> tuple[np.ndarray, np.ndarray]:
    """Draw the fixed parts of the hierarchical model.

    Numpy's legacy generator, in the author's order: connectivity as (n_programs, n_genes), then
    the cell types' masks. (The author draws a mask of batches last and never uses it.)

    Returns
    -------
    connectivity : (n_genes, n_programs) uint8
    mask : (n_cell_types, n_programs) uint8
    """
    legacy = np.random.RandomState(config.seed)
    edges = legacy.binomial(1, config.edge_probability, (config.n_programs, config.n_genes))
    mask = legacy.binomial(1, config.active_probability, (config.n_cell_types, config.n_programs))
    return np.ascontiguousarray(edges.T, dtype=np.uint8), mask.astype(np.uint8)


def simulate_hierarchical(config: HierarchicalSimulation) -> AnnData:
    """Draw the hierarchical model, as :func:`featurelens.simulation.simulate.simulate`."""
    connectivity, mask = draw_connectivity(config)
    blocks = [_draw_block(config, start) for start in range(0, config.n_cells, BLOCK_CELLS)]
    programs, shift, batch, cell_type = map(np.concatenate, zip(*blocks, strict=True))
    programs_batch = programs + shift[:, None]
    programs_active = programs_batch * mask[cell_type]
    made = Observables(programs_active, connectivity)
    stored = None
    if config.observables == "stored":
        stored = np.concatenate([made.rows(rows) for rows in row_chunks(*made.shape)])
    adata = new_adata(stored, made.shape, config.n_validation)
    adata.obs["cell_type"] = categorical(cell_type, config.n_cell_types, "type")
    adata.obs["batch"] = categorical(batch, config.n_batches, "batch")
    adata.obs["n_active_programs"] = mask.sum(1, dtype=np.int64)[cell_type]
    adata.obsm["programs"] = programs
    adata.obsm["programs_batch"] = programs_batch
    adata.obsm["programs_active"] = programs_active
    adata.var["n_parents"] = connectivity.sum(1, dtype=np.int64)
    adata.varm["connectivity"] = connectivity
    adata.uns["cell_type_programs"] = mask
    adata.uns["n_orphan_genes"] = int((connectivity.sum(1) == 0).sum())
    adata.uns["n_silent_cell_types"] = int((mask.sum(1) == 0).sum())
    adata.uns["simulation"] = asdict(config)
    adata.uns["variables"] = list_variables(
        ("Y", 0, "numeric", "X"),
        ("X''", 1, "numeric", "obsm/programs_active"),
        ("X'", 2, "numeric", "obsm/programs_batch"),
        ("X", 3, "numeric", "obsm/programs"),
        ("A", 2, "category", "obs/cell_type"),
        ("B", 3, "category", "obs/batch"),
    )
    return adata


def _draw_block(
    config: HierarchicalSimulation, start: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Draw programs, batch shift, batch and cell type of up to 10,000 cells.

    The author seeds block i with i, and draws in this order. Every block is drawn in full, so
    that a smaller simulation is the beginning of a larger one.
    """
    import torch  # seconds to import, and only a draw needs it

    index = start // BLOCK_CELLS
    generator = torch.Generator().manual_seed(config.seed * _SEED_STRIDE + index)
    n = BLOCK_CELLS
    rates = torch.tensor([1.0 + 0.1 * i for i in range(config.n_programs)])
    programs = torch.poisson(rates.expand(n, -1), generator=generator)
    batch = torch.multinomial(_uniform(config.n_batches), n, True, generator=generator)
    means = torch.arange(config.n_batches, dtype=torch.float32).expand(n, -1)
    shifts = torch.normal(means, torch.full_like(means, config.batch_sd), generator=generator)
    cell_type = torch.multinomial(_uniform(config.n_cell_types), n, True, generator=generator)
    keep = min(n, config.n_cells - start)
    shift = shifts[torch.arange(n), batch]
    return tuple(part[:keep].numpy() for part in (programs, shift, batch, cell_type))  # type: ignore[return-value]


def _uniform(n_levels: int) -> torch.Tensor:
    """Equal probabilities, rounded as the author's: a last digit changes which level is drawn."""
    import torch

    probabilities = (1 / n_levels) * torch.ones(n_levels)
    return probabilities / probabilities.sum(-1, keepdim=True)
