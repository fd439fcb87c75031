"""One SAE on one embedding, trained and written where everything downstream reads it."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from featurelens.io import sha256_array, write_json, write_table
from featurelens.means import ALONE, Means
from featurelens.sae import model
from featurelens.sae.config import SAEConfig
from featurelens.sae.health import Health
from featurelens.sae.model import SAE
from featurelens.sae.training import train


@dataclass(frozen=True, eq=False)
class OneSAE:
    """A trained SAE with what is worth keeping of its training."""

    sae: SAE
    """Weights; their metadata name the embedding."""
    history: pd.DataFrame
    """One row per epoch."""
    row: dict[str, Any]
    """Every hyperparameter and metric."""
    health: Health
    """What it explains and how many features say anything."""

    def write(self, folder: str | Path) -> None:
        """Write ``history.tsv``, ``train.json`` and the weights (:func:`model.save`)."""
        folder = Path(folder)
        write_table(self.history, folder / "history.tsv")
        write_json(self.row, folder / "train.json")
        model.save(self.sae, folder)


def train_one(
    X: np.ndarray,
    config: SAEConfig,
    *,
    source: str,
    engine: str = "auto",
    means: Means = ALONE,
) -> OneSAE:
    """Train one SAE.

    Parameters
    ----------
    X
        Embedding (n_cells, d_in).
    config
        What to train.
    source
        Name of the embedding, recorded with the weights.
    engine, means
        As :func:`featurelens.sae.training.train`. The log is told how the SAE did.

    Raises
    ------
    RuntimeError
        If training diverged; the message names the step.
    """
    [trained] = train(X, [config], engine=engine, means=means)
    if trained.sae is None or trained.evaluation is None:
        raise RuntimeError(f"SAE on {source}: {trained.row['message']}; lower its learning rate")
    about = {"source": source, "data_sha256": sha256_array(X)}
    sae = replace(trained.sae, metadata={**trained.sae.metadata, **about})
    seen = {name: sae.metadata[name] for name in ("input_scale",) if name in sae.metadata}
    health = Health.of(trained.evaluation)
    for line in health.lines(config):
        means.log(line)
    row = health.row(config) | trained.row | about | seen
    return OneSAE(sae=sae, history=trained.history, row=row, health=health)


def train_and_save(
    X: np.ndarray,
    config: SAEConfig,
    folder: str | Path,
    *,
    source: str,
    engine: str = "auto",
    means: Means = ALONE,
) -> None:
    """Train one SAE (:func:`train_one`) and write it into a folder (:meth:`OneSAE.write`)."""
    train_one(X, config, source=source, engine=engine, means=means).write(folder)
