"""Table S3: structures and training of autoencoders, and how their training went."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from featurelens.autoencoder.config import AutoencoderConfig
from featurelens.autoencoder.layers import count_weights, layer_sizes
from featurelens.io import read_json, read_table


def describe_autoencoders(n_observed: Mapping[str | Path, int]) -> pd.DataFrame:
    """Describe trained autoencoders, one row each.

    Parameters
    ----------
    n_observed
        Folder ``autoencoder/<simulation>/<autoencoder>`` of a run to the number of observables.

    Returns
    -------
    DataFrame
        simulation, autoencoder, latent, depth, width, output, layers (sizes of the encoder from the
        observables to the embedding, as text; the decoder mirrors it), n_weights, training,
        seed, learning_rate, weight_decay, batch_size (0: all cells), epochs (at most), patience,
        epochs_run, stopped_early, best_epoch, best_validation_loss and last_validation_loss. As
        published the weights of the last epoch are kept, as corrected those of the best.
    """
    return pd.DataFrame([_describe(Path(folder), n) for folder, n in n_observed.items()])


def _describe(folder: Path, n_observed: int) -> dict[str, object]:
    config = AutoencoderConfig(**read_json(folder / "config.json"))
    history = read_table(folder / "history.tsv")
    losses = history["validation_loss"]
    sizes = layer_sizes(n_observed, config.latent, depth=config.depth, width=config.width)
    return {
        "simulation": folder.parent.name,
        "autoencoder": folder.name,
        "latent": config.latent,
        "depth": config.depth,
        "width": config.width if config.depth > 1 else "",
        "output": config.output,
        "layers": " ".join(map(str, sizes)),
        "n_weights": count_weights(n_observed, config),
        "training": config.convention,
        "seed": config.seed,
        "learning_rate": config.learning_rate,
        "weight_decay": config.weight_decay,
        "batch_size": config.batch_size,
        "epochs": config.epochs,
        "patience": config.patience,
        "epochs_run": len(history),
        "stopped_early": len(history) < config.epochs,
        "best_epoch": int(history["epoch"].iloc[losses.argmin()]) + 1,
        "best_validation_loss": losses.min(),
        "last_validation_loss": losses.iloc[-1],
    }
