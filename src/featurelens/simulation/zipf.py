"""Cells whose dense vectors are sums of more sparse features than they have dimensions.

A third simulation, beyond the paper: the true features, their directions and their activations are
all known, so what an SAE should find is known to the feature. As in SynthSAEBench (arXiv
2602.14687), few features fire often and most rarely (Zipf), features form a hierarchy in which
a child fires only with its parent, and features are correlated.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from featurelens.simulation.config import ZipfSimulation

if TYPE_CHECKING:
    from anndata import AnnData


_CHUNK = 4_096


def firing_probabilities(config: ZipfSimulation) -> np.ndarray:
    """Marginal probability of every feature to fire: max_probability / rank ** exponent, bounded.

    Returns
    -------
    ndarray
        (n_features,), falling, at least ``min_probability``.
    """
    ranks = np.arange(1, config.n_features + 1, dtype=np.float64)
    return np.maximum(config.max_probability / ranks**config.exponent, config.min_probability)


def parents(config: ZipfSimulation) -> np.ndarray:
    """Parent of every feature, -1 for roots, (n_features,).

    Features are laid out breadth first, so that a parent always stands before its children and is
    at least as frequent.
    """
    below = np.arange(config.n_features) - config.n_roots
    return np.where(below >= 0, below // config.branching, -1)


def simulate_zipf(config: ZipfSimulation) -> AnnData:
    """Draw the features of every cell and add them up.

    Feature f fires in a cell where its parent does and a Gaussian variable, correlated over
    features by common factors, falls below the quantile of p_f / p_parent. Without correlation the
    marginal probabilities are exactly those of :func:`firing_probabilities`; with it children
    fire somewhat more or less often. A firing feature has activation abs(1 + sd e).

    Returns
    -------
    AnnData
        (n_cells, n_dimensions); ``X`` and ``obsm['X_emb']`` = activations @ directions + noise,
        float32; obsm ``features`` (true activations), varm ``directions`` (n_dimensions,
        n_features; unit columns); uns ``features``: probability, frequency (share of the cells),
        parent, level.
    """
    from anndata import AnnData  # slow to import, and planning needs only the classes above

    fixed, cells = (np.random.default_rng([config.seed, part]) for part in range(2))
    directions = _unit(fixed.normal(size=(config.n_features, config.n_dimensions)))
    factors = _unit(fixed.normal(size=(config.n_features, config.n_factors)))
    parent, probability = parents(config), firing_probabilities(config)
    features = np.empty((config.n_cells, config.n_features), dtype=np.float32)
    observed = np.empty((config.n_cells, config.n_dimensions), dtype=np.float32)
    for start in range(0, config.n_cells, _CHUNK):
        rows = slice(start, min(start + _CHUNK, config.n_cells))
        n_rows = rows.stop - rows.start
        fires = _fires(config, probability, parent, factors, n_rows, cells)
        size = np.abs(1 + config.magnitude_sd * cells.normal(size=fires.shape))
        noise = config.noise_sd * cells.normal(size=(n_rows, config.n_dimensions))
        features[rows] = fires * size
        observed[rows] = (fires * size) @ directions + noise
    n_validation = max(1, int(config.n_cells * config.validation_fraction))
    held_out = np.arange(config.n_cells) >= config.n_cells - n_validation
    adata = AnnData(
        observed,
        obs=pd.DataFrame(
            {"split": pd.Categorical(np.where(held_out, "validation", "train"))},
            index=[f"cell_{i}" for i in range(config.n_cells)],
        ),
        var=pd.DataFrame(index=[f"dimension_{i}" for i in range(config.n_dimensions)]),
        obsm={"X_emb": observed.copy(), "features": features},
        varm={"directions": np.ascontiguousarray(directions.T, dtype=np.float32)},
    )
    adata.uns["simulation"] = asdict(config)
    adata.uns["features"] = pd.DataFrame(
        {
            "probability": probability,
            "frequency": (features > 0).mean(axis=0),
            "parent": parent,
            "level": _levels(parent),
        },
        index=[f"feature_{i}" for i in range(config.n_features)],
    )
    return adata


def _fires(
    config: ZipfSimulation,
    probability: np.ndarray,
    parent: np.ndarray,
    factors: np.ndarray,
    n_rows: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Which features fire, (n_rows, n_features) bool."""
    from scipy.special import ndtri  # planning needs only the classes above

    conditional = np.where(parent >= 0, probability / probability[parent], probability)
    common = rng.normal(size=(n_rows, config.n_factors)) @ factors.T
    own = rng.normal(size=(n_rows, config.n_features))
    latent = np.sqrt(config.correlation) * common + np.sqrt(1 - config.correlation) * own
    fires = latent < ndtri(conditional)
    for feature in np.flatnonzero(parent >= 0):
        fires[:, feature] &= fires[:, parent[feature]]
    return fires


def _levels(parent: np.ndarray) -> np.ndarray:
    """Distance of every feature from its root, (n_features,)."""
    levels = np.zeros(len(parent), dtype=np.int64)
    for feature in np.flatnonzero(parent >= 0):
        levels[feature] = levels[parent[feature]] + 1
    return levels


def _unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)
