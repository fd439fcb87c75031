"""The table of superposition: read-outs of every autoencoder beside its size."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from featurelens.io import read_json, read_table
from featurelens.recovery.superposition import group_scores


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
        :func:`featurelens.recovery.superposition.group_scores`.
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
