"""Features of every point matched to the true directions, beside random dictionaries."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from featurelens.options import build
from featurelens.recovery.baselines import fit_baseline
from featurelens.recovery.config import BaselineConfig
from featurelens.recovery.dictionary import describe_match, match_dictionary
from featurelens.sae.random_directions import fire_equally_often, random_directions
from featurelens.sweeps.evaluated import ENOUGH_ROWS, trained

if TYPE_CHECKING:
    from anndata import AnnData

SWEEPS = "superposed_sweeps"
INPUTS = ("data",)
PARAMS = {"decompositions": "simulations/{source}/baselines"}
OUTPUTS = {"table": "dictionary.tsv"}

N_RANDOM = 3
"""Random dictionaries beside every dictionary."""


def measure(
    points: pd.DataFrame,
    store: Path,
    *,
    data: AnnData,
    decompositions: Mapping[str, Any],
    log: Callable[[str], None],
) -> pd.DataFrame:
    """Compare the dictionary of every trained point with the true features of a zipf simulation.

    Parameters
    ----------
    points
        Rows of trained points with ``stack``, the folder of ``store`` that holds the weights.
    store
        Folder that holds the weights of a point under its stack and id.
    data
        Of :func:`featurelens.simulation.zipf.simulate_zipf`.
    decompositions
        :class:`~featurelens.recovery.config.BaselineConfig` in plain form: decompositions that go
        through the same code, each component as a positive and a negative half.

    Returns
    -------
    DataFrame
        One row per point, and per decomposition: id (empty for a decomposition), method
        (architecture or decomposition), trained, expansion, l1, k, learning_rate, seed, mse,
        explained_variance, l0, true_l0 (features that truly fire per cell), and the columns of
        :func:`featurelens.recovery.dictionary.describe_match`.
    """
    config: BaselineConfig = build(BaselineConfig, decompositions)
    rng = np.random.default_rng(0)
    X, truth, true_directions = data.obsm["X_emb"], data.obsm["features"], data.varm["directions"].T
    if len(X) > ENOUGH_ROWS:
        kept = np.sort(rng.choice(len(X), ENOUGH_ROWS, replace=False))
        X, truth = X[kept], truth[kept]

    def described(directions: np.ndarray, codes: np.ndarray) -> dict[str, float]:
        live = (codes > 0).any(axis=0)
        share = (codes[:, live] > 0).mean(axis=0)
        random = []
        for _ in range(N_RANDOM if live.any() else 0):
            drawn = random_directions(int(live.sum()), X.shape[1], rng)
            fires = fire_equally_often(X, drawn, share)
            random.append(match_dictionary(drawn, fires, true_directions, truth))
        found = match_dictionary(directions, codes, true_directions, truth)
        true_l0 = {"true_l0": float((truth > 0).sum(axis=1).mean())}
        return true_l0 | describe_match(found, random)

    rows: list[dict[str, Any]] = []
    for point, sae in trained(points, store, log=log):
        about = {name: point[name] for name in ("id", "expansion", "l1", "k", "learning_rate")}
        about |= {name: point[name] for name in ("seed", "mse", "explained_variance", "l0")}
        about |= {"method": point["architecture"], "trained": point["trained"]}
        rows.append(about | described(sae.directions, sae.encode(X)))
    for method in config.methods:
        fitted = fit_baseline(X, method, config.n_components, seed=config.seed)
        codes = np.maximum(np.hstack([fitted.scores, -fitted.scores]), 0)
        directions = np.vstack([fitted.directions, -fitted.directions])
        rows.append({"id": "", "method": method} | described(directions, codes))
    log(f"{len(rows)} dictionaries compared with {truth.shape[1]} true features")
    table = pd.DataFrame(rows)
    return table[["id", "method", *(name for name in table if name not in ("id", "method"))]]
