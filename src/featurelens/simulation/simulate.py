"""Simulated cells whose hidden variables are known.

Three generative processes. A third, beyond the paper, is in :mod:`featurelens.simulation.zipf`. The
paper's two are drawn as the author's scripts draw them: the fixed parts from
numpy's legacy generator, the cells from torch's. Seed 0 therefore repeats the author's draw: the
small model with its 54 distinct cells, and at published size (100,000 cells, 20,000 genes, 100
programs, 40 cell types) the connectivity and the ten blocks of the hierarchical model (the
author's ``00_data_simulation.py`` in ``simulation/small`` and ``simulation/large``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from featurelens.simulation.config import SimulationConfig, SmallSimulation, ZipfSimulation
from featurelens.simulation.hierarchical import simulate_hierarchical
from featurelens.simulation.small import simulate_small
from featurelens.simulation.variables import list_variables
from featurelens.simulation.zipf import simulate_zipf

if TYPE_CHECKING:
    from anndata import AnnData


def simulate(config: SimulationConfig) -> AnnData:
    """Draw a simulation.

    Returns
    -------
    AnnData
        (n_cells, n_genes) with ``X`` = Y in float32 (none where the config makes it implicit, see
        :func:`.observables.observables`), ``obs['split']`` (train or validation) and
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
            See :func:`featurelens.simulation.zipf.simulate_zipf`; obsm ``features`` (F).
    """
    if isinstance(config, ZipfSimulation):
        adata = simulate_zipf(config)
        adata.uns["variables"] = list_variables(
            ("Y", 0, "numeric", "X"), ("F", 1, "numeric", "obsm/features")
        )
        return adata
    if isinstance(config, SmallSimulation):
        return simulate_small(config)
    return simulate_hierarchical(config)
