"""Measure what a linear probe finds of every variable in an embedding."""

from __future__ import annotations

from typing import TYPE_CHECKING

from featurelens.recovery.read_outs import measure_superposition
from featurelens.recovery.superposition import Probe

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

    from featurelens.means import Means

INPUTS = {
    "data": "simulation/{simulation}/data.h5ad",
    "embedding": "autoencoder/{simulation}/{autoencoder}/embedding.h5ad",
}
OUTPUTS = {"table": "autoencoder/{simulation}/{autoencoder}/superposition.tsv"}
PARAMS = {
    "probe": "simulations/{simulation}/probe",
    "probe_epochs": "simulations/{simulation}/probe_epochs",
}
THREADS = "probe_threads"
MEMORY = "superposition_memory"
MINUTES = "probe_runtime"
GPU = True


def make(
    data: AnnData, embedding: AnnData, *, probe: Probe, probe_epochs: int, means: Means
) -> pd.DataFrame:
    """Score every variable of a simulation in one embedding of it."""
    return measure_superposition(
        data, embedding, probe=probe, probe_epochs=probe_epochs, means=means
    )
