"""One SAE on one embedding, trained and written where everything downstream reads it."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from featurelens.io import sha256_array, write_json, write_table
from featurelens.sae import model
from featurelens.sae.config import SAEConfig
from featurelens.sae.progress import Log
from featurelens.sae.training import train


def train_and_save(
    X: np.ndarray,
    config: SAEConfig,
    folder: str | Path,
    *,
    source: str,
    engine: str = "auto",
    device: str = "cpu",
    threads: int = 1,
    log: Log,
) -> None:
    """Train one SAE and write its weights, history and description into a folder.

    Parameters
    ----------
    X
        Embedding (n_cells, d_in).
    config
        What to train.
    folder
        Receives ``cfg.json``, ``sae_weights.safetensors``, ``history.tsv`` and ``train.json``.
    source
        Name of the embedding, recorded with the weights.
    engine, device, threads, log
        As :func:`featurelens.sae.training.train`.

    Raises
    ------
    RuntimeError
        If training diverged; the message names the step.
    """
    [trained] = train(X, [config], engine=engine, device=device, threads=threads, log=log)
    if trained.sae is None:
        raise RuntimeError(f"SAE on {source}: {trained.row['message']}; lower its learning rate")
    about = {"source": source, "data_sha256": sha256_array(X)}
    sae = replace(trained.sae, metadata={**trained.sae.metadata, **about})
    folder = Path(folder)
    write_table(trained.history, folder / "history.tsv")
    write_json(trained.row | about, folder / "train.json")
    model.save(sae, folder)
