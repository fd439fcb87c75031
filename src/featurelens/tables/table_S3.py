"""**Table S3.** Structure and training of every autoencoder of the run: sizes of the encoder's
layers from the observables to the embedding (the decoder mirrors them), hyperparameters, epochs
until training ended, and validation losses. As published the weights of the last epoch are kept,
as corrected those of the best. Hyperparameters were chosen by the paper for 20,000 genes; a
reduced run has its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from featurelens.autoencoder.config import AutoencoderConfig
from featurelens.autoencoder.layers import count_weights, layer_sizes
from featurelens.places import embedding_parts

INPUTS = {
    "configs": "autoencoder/{autoencoders}/config.json",
    "histories": "autoencoder/{autoencoders}/history.tsv",
}
PARAMS = {"n_observed": "{n_observed}"}
TOGETHER = "simulations"


def tabulate(
    configs: Mapping[str, Mapping[str, Any]],
    histories: Mapping[str, pd.DataFrame],
    *,
    n_observed: Mapping[str, int],
) -> pd.DataFrame:
    """Describe trained autoencoders, one row each.

    Parameters
    ----------
    configs, histories
        Autoencoder, as ``simulation/autoencoder``, to its config in plain form and to its losses
        by epoch.
    n_observed
        Autoencoder to the number of observables.

    Returns
    -------
    DataFrame
        simulation, autoencoder, latent, depth, width, output, layers (sizes of the encoder from the
        observables to the embedding, as text; the decoder mirrors it), n_weights, training,
        seed, learning_rate, weight_decay, batch_size (0: all cells), epochs (at most), patience,
        epochs_run, stopped_early, best_epoch, best_validation_loss and last_validation_loss. As
        published the weights of the last epoch are kept, as corrected those of the best.
    """
    return pd.DataFrame(
        [
            _describe(name, AutoencoderConfig(**config), histories[name], n_observed[name])
            for name, config in configs.items()
        ]
    )


def _describe(
    name: str, config: AutoencoderConfig, history: pd.DataFrame, n_observed: int
) -> dict[str, object]:
    simulation, autoencoder = embedding_parts(name)
    losses = history["validation_loss"]
    sizes = layer_sizes(n_observed, config.latent, depth=config.depth, width=config.width)
    return {
        "simulation": simulation,
        "autoencoder": autoencoder,
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
