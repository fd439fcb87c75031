"""How well a linear read-out finds every hidden and observed variable in the embedding of every
autoencoder, under both conventions: one row per group of variables, the mean over them. Single
variables are in autoencoder/<simulation>/<autoencoder>/superposition.tsv.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from featurelens.places import embedding_parts
from featurelens.recovery.superposition import group_scores

INPUTS = {
    "scores": "autoencoder/{autoencoders}/superposition.tsv",
    "configs": "autoencoder/{autoencoders}/config.json",
    "histories": "autoencoder/{autoencoders}/history.tsv",
}
TOGETHER = "simulations"


def tabulate(
    scores: Mapping[str, pd.DataFrame],
    configs: Mapping[str, Mapping[str, Any]],
    histories: Mapping[str, pd.DataFrame],
) -> pd.DataFrame:
    """Join the superposition scores of autoencoders, with what each was and what it lost.

    Parameters
    ----------
    scores, configs, histories
        Autoencoder, as ``simulation/autoencoder``, to the scores of all variables in its
        embedding, to its config in plain form, and to its losses by epoch.

    Returns
    -------
    DataFrame
        simulation, autoencoder, latent, depth, width, training (the convention that it was trained
        under), seed, best_validation_loss, last_validation_loss, and the columns of
        :func:`featurelens.recovery.superposition.group_scores`.
    """
    tables = []
    for name, config in configs.items():
        simulation, autoencoder = embedding_parts(name)
        losses = histories[name]["validation_loss"]
        about = {
            "simulation": simulation,
            "autoencoder": autoencoder,
            **{key: config[key] for key in ("latent", "depth", "width")},
            "training": config["convention"],
            "seed": config["seed"],
            "best_validation_loss": losses.min(),
            "last_validation_loss": losses.iloc[-1],
        }
        grouped = group_scores(scores[name])
        tables.append(pd.concat([pd.DataFrame(about, index=grouped.index), grouped], axis=1))
    return pd.concat(tables, ignore_index=True)
