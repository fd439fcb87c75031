"""The small simulation: Poisson A, Bernoulli B, sums X, products Y (paper, section 4.1)."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np

from featurelens.simulation.config import REGULATION, SmallSimulation
from featurelens.simulation.variables import list_variables, new_adata

if TYPE_CHECKING:
    from anndata import AnnData


POISSON_RATE = 2.0
ACCESSIBLE_PROBABILITY = (0.5, 0.1, 0.9)


def simulate_small(config: SmallSimulation) -> AnnData:
    """Draw the small model, as :func:`featurelens.simulation.simulate.simulate`."""
    import torch  # seconds to import, and only a draw needs it

    generator = torch.Generator().manual_seed(config.seed)
    activity = torch.poisson(torch.full((config.n_cells, 1), POISSON_RATE), generator=generator)
    rates = torch.tensor(ACCESSIBLE_PROBABILITY).expand(config.n_cells, -1)
    accessibility = torch.bernoulli(rates, generator=generator)
    programs = activity * accessibility
    observed = (programs @ torch.tensor(REGULATION, dtype=torch.float32)).numpy()
    adata = new_adata(observed, observed.shape, config.n_validation)
    adata.obsm["programs"] = programs.numpy()
    adata.obsm["activity"] = activity.numpy()
    adata.obsm["accessibility"] = accessibility.numpy()
    adata.varm["connectivity"] = np.array(REGULATION, dtype=np.uint8).T.copy()
    adata.uns["simulation"] = asdict(config)
    adata.uns["variables"] = list_variables(
        ("Y", 0, "numeric", "X"),
        ("X", 1, "numeric", "obsm/programs"),
        ("A", 2, "numeric", "obsm/activity"),
        ("B", 2, "numeric", "obsm/accessibility"),
    )
    return adata
