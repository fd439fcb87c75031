"""What is measured on a simulation: superposition in its embeddings, recovery by baselines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import anndata
import numpy as np
import pandas as pd

from featurelens.baselines import fit_baseline
from featurelens.conventions import CONVENTIONS
from featurelens.io import read_json, read_table, require_same_names
from featurelens.observables import Observables, observables
from featurelens.recovery import Probe, group_scores, measure_recovery, superposition
from featurelens.simulation import Variables, variables

if TYPE_CHECKING:
    from featurelens.autoencoder import Autoencoder
    from featurelens.simulation_config import BaselineConfig


def embed_simulation(autoencoder: Autoencoder, data: anndata.AnnData) -> anndata.AnnData:
    """Embedding of simulated cells as an AnnData with ``obsm['X_emb']`` (n_cells, latent)."""
    embedding = np.asarray(autoencoder.embed(observables(data)), dtype=np.float32)
    return anndata.AnnData(obs=data.obs.copy(), obsm={"X_emb": embedding})


def hidden_variables(data: anndata.AnnData) -> list[Variables]:
    """Every group of variables but Y, which may be too large for one array."""
    listing = data.uns["variables"]
    hidden = {"variables": listing[listing["level"] > 0]}
    return variables(anndata.AnnData(obs=data.obs, obsm=dict(data.obsm), uns=hidden))


def measure_superposition(
    data: anndata.AnnData,
    embedding: anndata.AnnData,
    *,
    probe: Probe,
    probe_epochs: int = 100,
    threads: int = 1,
    device: str = "cpu",
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
    threads, device
        Threads and torch device of the gradient-trained probe.

    Returns
    -------
    DataFrame
        As :func:`featurelens.recovery.superposition`, one row a variable and convention.
    """
    require_same_names(data.obs_names, embedding.obs_names, "data.h5ad", "embedding.h5ad")
    return score_read_out(
        embedding.obsm["X_emb"],
        data,
        probe=probe,
        probe_epochs=probe_epochs,
        threads=threads,
        device=device,
    )


def score_read_out(
    inputs: np.ndarray | Observables,
    data: anndata.AnnData,
    *,
    probe: Probe,
    probe_epochs: int,
    threads: int,
    device: str,
) -> pd.DataFrame:
    """Score what a linear probe reads of a simulation's variables from any inputs of its cells.

    As :func:`measure_superposition`, with ``inputs`` (n_cells, d) in the order of ``data``.
    """
    is_validation = (data.obs["split"] == "validation").to_numpy()
    truth = hidden_variables(data)
    tables = [
        superposition(
            inputs,
            truth,
            is_validation,
            convention=convention,
            probe=probe,
            epochs=probe_epochs,
            threads=threads,
            device=device,
            observed=observables(data),
        )
        for convention in CONVENTIONS
    ]
    return pd.concat(tables, ignore_index=True)


def measure_baselines(
    data: anndata.AnnData, config: BaselineConfig, *, log: Callable[[str], None]
) -> pd.DataFrame:
    """Decompose the observables and measure what the components recover.

    Returns
    -------
    DataFrame
        ``method``, ``n_components`` (kept), ``rank`` (of the data) and the columns of
        :func:`featurelens.recovery.measure_recovery`, under both conventions.
    """
    if config.n_cells:
        data = data[spaced_cells(data, config.n_cells)]
    truth, observed = variables(data), observables(data)
    tables: list[pd.DataFrame] = []
    for method in config.methods:
        baseline = fit_baseline(observed, method, config.n_components, seed=config.seed)
        log(f"{method}: {baseline.n_components} components, rank {baseline.rank}")
        measured = measure_recovery(baseline.scores, truth, convention="both", redundancy="last")
        tables.append(
            measured.assign(method=method, n_components=baseline.n_components, rank=baseline.rank)
        )
    table = pd.concat(tables, ignore_index=True)
    first = ["method", "n_components", "rank"]
    return table[[*first, *(str(column) for column in table if column not in first)]]


def spaced_cells(data: anndata.AnnData, n_cells: int) -> np.ndarray:
    """Positions of training cells, evenly spaced from the first; all where there are not more.

    30,000 of 90,000 are every third, the author's cells (``05_rebuttal_pca.py``).
    """
    train = np.flatnonzero(data.obs["split"] == "train")
    n_kept = min(n_cells, len(train))
    return train[np.arange(n_kept) * len(train) // n_kept]


def collect_superposition(folders: Sequence[str | Path]) -> pd.DataFrame:
    """Join the superposition scores of autoencoders, with what each was and what it lost.

    Parameters
    ----------
    folders
        Folders ``autoencoder/<simulation>/<autoencoder>`` of a run.

    Returns
    -------
    DataFrame
        simulation, autoencoder, latent, depth, width, training (the convention that it was trained
        under), seed, best_validation_loss, last_validation_loss, and the columns of
        :func:`featurelens.recovery.group_scores`.
    """
    tables = []
    for folder in map(Path, folders):
        config = read_json(folder / "config.json")
        losses = read_table(folder / "history.tsv")["validation_loss"]
        about = {
            "simulation": folder.parent.name,
            "autoencoder": folder.name,
            **{name: config[name] for name in ("latent", "depth", "width")},
            "training": config["convention"],
            "seed": config["seed"],
            "best_validation_loss": losses.min(),
            "last_validation_loss": losses.iloc[-1],
        }
        scores = group_scores(read_table(folder / "superposition.tsv"))
        tables.append(pd.concat([pd.DataFrame(about, index=scores.index), scores], axis=1))
    return pd.concat(tables, ignore_index=True)
