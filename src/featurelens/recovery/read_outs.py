"""What is measured on a simulation: superposition in its embeddings, recovery by baselines."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd

from featurelens.conventions import CONVENTIONS
from featurelens.io import require_same_names
from featurelens.means import ALONE, Means
from featurelens.recovery.superposition import Probe, superposition
from featurelens.simulation.observables import Observables, factored, observables
from featurelens.simulation.variables import hidden_variables


def measure_superposition(
    data: anndata.AnnData,
    embedding: anndata.AnnData,
    *,
    probe: Probe,
    probe_epochs: int = 100,
    means: Means = ALONE,
) -> pd.DataFrame:
    """Score every variable of a simulation by a linear probe, under both conventions.

    Parameters
    ----------
    data
        Simulated cells with known truth.
    embedding
        The same cells, embedded; ``obsm['X_emb']``.
    probe
        Probe of the published convention, ``gradient`` or ``least_squares``.
    probe_epochs
        Most epochs of the gradient-trained probe.
    means
        Threads and torch device of the gradient-trained probe.

    Returns
    -------
    DataFrame
        As :func:`.superposition.superposition`, one row a variable and convention.
    """
    require_same_names(data.obs_names, embedding.obs_names, "data.h5ad", "embedding.h5ad")
    return score_read_out(
        embedding.obsm["X_emb"],
        data,
        probe=probe,
        probe_epochs=probe_epochs,
        means=means,
    )


def score_read_out(
    inputs: np.ndarray | Observables,
    data: anndata.AnnData,
    *,
    probe: Probe,
    probe_epochs: int,
    means: Means,
) -> pd.DataFrame:
    """Score what a linear probe reads of a simulation's variables from any inputs of its cells.

    As :func:`measure_superposition`, with ``inputs`` (n_cells, d) in the order of ``data``.
    """
    is_validation = (data.obs["split"] == "validation").to_numpy()
    truth = hidden_variables(data)
    # The probe that is trained on batches has less to read, and to multiply, of what Y is made of.
    of_batches = factored(data) if probe == "gradient" else observables(data)
    tables = [
        superposition(
            inputs,
            truth,
            is_validation,
            convention=convention,
            probe=probe,
            epochs=probe_epochs,
            means=means,
            observed=of_batches if convention == "published" else observables(data),
        )
        for convention in CONVENTIONS
    ]
    return pd.concat(tables, ignore_index=True)
