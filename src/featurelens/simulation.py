"""Simulated cells whose hidden variables are known.

Three generative processes. A third, beyond the paper, is in :mod:`featurelens.superposed`. The
paper's two are drawn as the author's scripts draw them: the fixed parts from
numpy's legacy generator, the cells from torch's. Seed 0 therefore repeats the author's draw: the
small model with its 54 distinct cells, and at published size (100,000 cells, 20,000 genes, 100
programs, 40 cell types) the connectivity and the ten blocks of the hierarchical model (the
author's ``00_data_simulation.py`` in ``simulation/small`` and ``simulation/large``).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
import pandas as pd
from annotated_types import Ge, Gt, Le, Lt

from featurelens.observables import Observables, observables, row_chunks
from featurelens.options import STRICT
from featurelens.superposed import ZipfSimulation, simulate_zipf

if TYPE_CHECKING:
    import torch
    from anndata import AnnData

POISSON_RATE = 2.0
ACCESSIBLE_PROBABILITY = (0.5, 0.1, 0.9)
REGULATION = ((0, 1, 1, 0, 0), (1, 1, 0, 1, 0), (0, 0, 0, 1, 1))
BLOCK_CELLS = 10_000
_SEED_STRIDE = 1 << 20


@dataclass(frozen=True, kw_only=True)
class SmallSimulation:
    """The paper's small model: 3 programs, 5 genes."""

    __pydantic_config__ = STRICT

    kind: Literal["small"] = "small"
    """Which simulation this is."""
    n_cells: Annotated[int, Ge(2)] = 12_000
    """How many cells are drawn."""
    n_validation: Annotated[int, Ge(1)] = 2_000
    """How many of them, counted from the end, are held out for validation."""
    seed: Annotated[int, Ge(0), Lt(2**32)] = 0
    """Seed of the draw; 0 with the default sizes gives the author's own cells."""

    def __post_init__(self) -> None:
        if self.n_validation >= self.n_cells:
            raise ValueError(
                f"n_validation ({self.n_validation}) must be smaller than n_cells ({self.n_cells})"
            )


@dataclass(frozen=True, kw_only=True)
class HierarchicalSimulation:
    """The paper's large model: programs, shifted by batch, masked by cell type, summed into genes.

    Published size: 100,000 cells, 20,000 genes, 100 programs, 40 cell types, 3 batches.
    """

    __pydantic_config__ = STRICT

    kind: Literal["hierarchical"] = "hierarchical"
    """Which simulation this is."""
    n_cells: Annotated[int, Ge(2)] = 3_000
    """How many cells are drawn, in blocks of 10,000."""
    n_genes: Annotated[int, Ge(1)] = 500
    """How many observed variables Y there are."""
    n_programs: Annotated[int, Ge(1)] = 20
    """How many core programs X there are; program i is Poisson with rate 1 + 0.1 i."""
    n_cell_types: Annotated[int, Ge(1)] = 8
    """How many levels the cell type A has."""
    n_batches: Annotated[int, Ge(1)] = 3
    """How many levels the batch B has."""
    edge_probability: Annotated[float, Gt(0), Le(1)] = 0.1
    """Probability that a program acts on a gene."""
    active_probability: Annotated[float, Gt(0), Le(1)] = 0.3
    """Probability that a program is on in a cell type."""
    batch_sd: Annotated[float, Ge(0)] = 0.1
    """Standard deviation of the shift that batch b adds to a cell, whose mean is b."""
    validation_fraction: Annotated[float, Gt(0), Lt(1)] = 0.1
    """Share of the cells, counted from the end, that is held out for validation."""
    observables: Literal["stored", "implicit"] = "stored"
    """implicit does not store Y, which is made from X'' and the connectivity where it is needed; a
    large Y does not fit into memory."""
    seed: Annotated[int, Ge(0), Lt(2**32)] = 0
    """Seed of the draw; 0 at published size gives the author's connectivity and cells."""

    def __post_init__(self) -> None:
        if self.n_validation < 1:
            raise ValueError(
                f"validation_fraction ({self.validation_fraction}) of n_cells ({self.n_cells}) "
                "leaves no validation cell"
            )

    @property
    def n_validation(self) -> int:
        """Number of validation cells, rounded down as the author does."""
        return int(self.n_cells * self.validation_fraction)


SimulationConfig = SmallSimulation | HierarchicalSimulation | ZipfSimulation


@dataclass(frozen=True)
class Variables:
    """One group of variables of a simulation."""

    name: str
    """Name in the paper: Y, X, X', X'', A or B; F for the features of the zipf simulation."""
    level: int
    """Number of arrows between the group and the observables; Y itself is 0."""
    kind: str
    """``numeric`` or ``category``."""
    values: np.ndarray
    """(n_cells, n_variables); a category is one column of integer codes."""


def simulate(config: SimulationConfig) -> AnnData:
    """Draw a simulation.

    Returns
    -------
    AnnData
        (n_cells, n_genes) with ``X`` = Y in float32 (none where the config makes it implicit, see
        :func:`featurelens.observables.observables`), ``obs['split']`` (train or validation) and
        ``uns['variables']``, which names every group of variables (name, level, kind, slot).

        small
            obsm ``programs`` (X), ``activity`` (A), ``accessibility`` (B).
        hierarchical
            obs ``cell_type`` (A), ``batch`` (B), ``n_active_programs``; obsm ``programs`` (X),
            ``programs_batch`` (X'), ``programs_active`` (X''); var ``n_parents``; varm
            ``connectivity`` (M, genes × programs); uns ``cell_type_programs`` (cell types ×
            programs), ``n_orphan_genes`` and ``n_silent_cell_types``: what a small draw leaves
            without any parent or program, and which is therefore constant.
        zipf
            See :func:`featurelens.superposed.simulate_zipf`; obsm ``features`` (F).
    """
    if isinstance(config, ZipfSimulation):
        adata = simulate_zipf(config)
        adata.uns["variables"] = _listing(
            ("Y", 0, "numeric", "X"), ("F", 1, "numeric", "obsm/features")
        )
        return adata
    if isinstance(config, SmallSimulation):
        return _simulate_small(config)
    return _simulate_hierarchical(config)


def variables(adata: AnnData) -> list[Variables]:
    """Read every group of variables, in the order of ``uns['variables']``.

    Y becomes one array here, also where it is not stored: take the cells of interest first.
    """
    listing = adata.uns["variables"]
    return [
        Variables(str(row.name_), int(row.level), str(row.kind), _slot(adata, str(row.slot)))
        for row in listing.rename(columns={"name": "name_"}).itertuples(index=False)
    ]


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


def _simulate_small(config: SmallSimulation) -> AnnData:
    import torch  # seconds to import, and only a draw needs it

    generator = torch.Generator().manual_seed(config.seed)
    activity = torch.poisson(torch.full((config.n_cells, 1), POISSON_RATE), generator=generator)
    rates = torch.tensor(ACCESSIBLE_PROBABILITY).expand(config.n_cells, -1)
    accessibility = torch.bernoulli(rates, generator=generator)
    programs = activity * accessibility
    observed = (programs @ torch.tensor(REGULATION, dtype=torch.float32)).numpy()
    adata = _new_adata(observed, observed.shape, config.n_validation)
    adata.obsm["programs"] = programs.numpy()
    adata.obsm["activity"] = activity.numpy()
    adata.obsm["accessibility"] = accessibility.numpy()
    adata.varm["connectivity"] = np.array(REGULATION, dtype=np.uint8).T.copy()
    adata.uns["simulation"] = asdict(config)
    adata.uns["variables"] = _listing(
        ("Y", 0, "numeric", "X"),
        ("X", 1, "numeric", "obsm/programs"),
        ("A", 2, "numeric", "obsm/activity"),
        ("B", 2, "numeric", "obsm/accessibility"),
    )
    return adata


def _simulate_hierarchical(config: HierarchicalSimulation) -> AnnData:
    connectivity, mask = draw_connectivity(config)
    blocks = [_draw_block(config, start) for start in range(0, config.n_cells, BLOCK_CELLS)]
    programs, shift, batch, cell_type = map(np.concatenate, zip(*blocks, strict=True))
    programs_batch = programs + shift[:, None]
    programs_active = programs_batch * mask[cell_type]
    made = Observables(programs_active, connectivity)
    stored = None
    if config.observables == "stored":
        stored = np.concatenate([made.rows(rows) for rows in row_chunks(*made.shape)])
    adata = _new_adata(stored, made.shape, config.n_validation)
    adata.obs["cell_type"] = _categories(cell_type, config.n_cell_types, "type")
    adata.obs["batch"] = _categories(batch, config.n_batches, "batch")
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
    adata.uns["variables"] = _listing(
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


def _new_adata(stored: np.ndarray | None, shape: tuple[int, ...], n_validation: int) -> AnnData:
    from anndata import AnnData  # slow to import, and planning needs only the classes above

    n_cells, n_genes = shape
    is_validation = np.arange(n_cells) >= n_cells - n_validation
    split = pd.Categorical(np.where(is_validation, "validation", "train"))
    return AnnData(
        stored,
        obs=pd.DataFrame({"split": split}, index=[f"cell_{i}" for i in range(n_cells)]),
        var=pd.DataFrame(index=[f"gene_{i}" for i in range(n_genes)]),
    )


def _categories(codes: np.ndarray, n_levels: int, stem: str) -> pd.Categorical:
    names = pd.Index([f"{stem}_{i}" for i in range(n_levels)])
    return pd.Categorical.from_codes(codes.tolist(), categories=names)


def _listing(*rows: tuple[str, int, str, str]) -> pd.DataFrame:
    index = [str(i) for i in range(len(rows))]
    return pd.DataFrame(list(rows), columns=["name", "level", "kind", "slot"], index=index)


def _slot(adata: AnnData, slot: str) -> np.ndarray:
    if slot == "X":
        return observables(adata).rows(slice(None))
    place, key = slot.split("/", 1)
    if place == "obsm":
        return np.asarray(adata.obsm[key])
    return adata.obs[key].cat.codes.to_numpy(dtype=np.int64)[:, None]
