"""One SAE on one embedding, trained or imported, written where everything downstream reads it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from featurelens.io import sha256_array, write_json, write_table
from featurelens.means import ALONE, Means
from featurelens.options import as_config
from featurelens.sae import model
from featurelens.sae.config import ImportedSAE, SAEConfig, for_embedding
from featurelens.sae.health import Health
from featurelens.sae.metrics import evaluate
from featurelens.sae.model import SAE, load, read_saved, require_width
from featurelens.sae.saved import Saved
from featurelens.sae.training import train

OF_TRANSCODER = (
    "a transcoder: its decoder predicts another layer, and its encoder alone is used; what it "
    "explains of the embedding, directions of features and steering are not available"
)
"""Line of a log."""


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


def import_one(X: np.ndarray, given: ImportedSAE, *, source: str, means: Means = ALONE) -> OneSAE:
    """Take an SAE that was trained elsewhere over to an embedding.

    Parameters
    ----------
    X
        Embedding (n_cells, d_in).
    given
        Where it lies.
    source
        Name of the embedding, recorded with the weights.
    means
        The log is told what was read, and how the SAE does on these cells.

    Raises
    ------
    InputError
        If it cannot be read, or has another number of inputs than the embedding has dimensions.
    """
    saved = Saved(given.path, given)
    sae = read_saved(saved)
    require_width(sae, X.shape[1], where=given.path, embedding=source)
    about = {"source": source, "data_sha256": sha256_array(X), "origin": saved.origin}
    trained_on = sae.metadata.get("data_sha256")
    if trained_on not in (None, about["data_sha256"]):
        about["trained_on_sha256"] = trained_on
    means.log(f"{given.path}: {saved.describe()}")
    if not sae.has_decoder:
        means.log(OF_TRANSCODER)
    health = Health.of(evaluate(sae, X))
    for line in health.lines():
        means.log(line)
    shape = {"architecture": sae.architecture, "d_in": sae.d_in, "d_sae": sae.d_sae}
    row = health.row() | shape | about | {"format": saved.format}
    history = pd.DataFrame({"epoch": np.zeros(0, int)})
    return OneSAE(replace(sae, metadata=about), history, row, health)


def make_and_save(
    X: np.ndarray,
    config: SAEConfig | ImportedSAE,
    folder: str | Path,
    *,
    source: str,
    engine: str = "auto",
    means: Means = ALONE,
) -> None:
    """Train one SAE, or import it, and write it into a folder (:meth:`OneSAE.write`)."""
    if isinstance(config, ImportedSAE):
        made = import_one(X, config, source=source, means=means)
    else:
        made = train_one(X, config, source=source, engine=engine, means=means)
    made.write(folder)


def at_hand(
    given: SAEConfig | ImportedSAE | Mapping[str, Any] | SAE | str | Path,
    X: np.ndarray,
    *,
    means: Means,
    folder: Path,
) -> tuple[SAE, dict[str, Any]]:
    """The SAE that was given in a call, read or trained, and how it does (:meth:`Health.row`).

    Parameters
    ----------
    given
        Itself, its folder or file, what to import (a mapping with a path), or what to train.
    X
        Embedding (n_cells, d_in), somebody's own.
    means
        The log is told how the SAE does.
    folder
        Receives one that is trained.

    Raises
    ------
    InputError
        If it cannot be read or trained, was trained on other data, or has another width.
    """
    if isinstance(given, Mapping) and "path" in given:
        given = as_config(ImportedSAE, given, "sae")
    if isinstance(given, ImportedSAE):
        imported = import_one(X, given, source="adata", means=means)
        return imported.sae, imported.health.row()
    if isinstance(given, (str, Path)):
        given = load(given, data_sha256=sha256_array(X))
    if isinstance(given, SAE):
        require_width(given, X.shape[1], where="sae", embedding="adata")
        health = Health.of(evaluate(given, X))
        for line in [*([] if given.has_decoder else [OF_TRANSCODER]), *health.lines()]:
            means.log(line)
        return given, health.row()
    config = for_embedding(as_config(SAEConfig, given, "sae"), is_given=True)
    trained = train_one(X, config, source="adata", means=means)
    trained.write(folder)
    return trained.sae, trained.health.row(config)
