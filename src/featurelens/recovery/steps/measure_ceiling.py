"""Measure what a linear probe finds of every variable in the observables themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from featurelens.recovery.ceiling import measure_ceiling
from featurelens.recovery.superposition import Probe

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

    from featurelens.means import Means

INPUTS = {"data": "simulation/{simulation}/data.h5ad"}
OUTPUTS = {"table": "simulation/{simulation}/ceiling.tsv"}
PARAMS = {
    "probe": "simulations/{simulation}/probe",
    "probe_epochs": "simulations/{simulation}/probe_epochs",
    "ceiling_epochs": "simulations/{simulation}/ceiling_epochs",
}
THREADS = "probe_threads"
MEMORY = "ceiling_memory"
MINUTES = "probe_runtime"
GPU = True


def make(
    data: AnnData, *, probe: Probe, probe_epochs: int, ceiling_epochs: int | None, means: Means
) -> pd.DataFrame:
    """Score every variable of a simulation in what is observed of it."""
    return measure_ceiling(
        data, probe=probe, probe_epochs=ceiling_epochs or probe_epochs, means=means
    )
