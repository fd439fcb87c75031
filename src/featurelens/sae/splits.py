"""Rows for training and for validation, and the generators that draw them."""

import numpy as np

from featurelens.io import InputError
from featurelens.sae.config import SAEConfig

INIT, ORDER, SPLIT = range(3)
"""Purposes of a point's random streams."""


def generator(config: SAEConfig, purpose: int) -> np.random.Generator:
    """Return the point's own random stream for one purpose."""
    return np.random.default_rng([config.seed, purpose])


def split_rows(n_rows: int, config: SAEConfig) -> tuple[np.ndarray, np.ndarray]:
    """Rows to train on and rows held out.

    ``published`` holds out the last rows in the order of the file (the author's sweeps),
    ``corrected`` draws them by seed.

    Raises
    ------
    InputError
        If the fraction leaves no row to train on or none to validate on.

    Examples
    --------
    >>> options = {"architecture": "relu", "expansion": 2, "convention": "published"}
    >>> split_rows(5, SAEConfig(**options, validation_fraction=0.4))
    (array([0, 1, 2]), array([3, 4]))
    """
    rows = np.arange(n_rows)
    if not config.validation_fraction:
        return rows, rows[:0]
    n_train = int(n_rows * (1 - config.validation_fraction))
    if not 0 < n_train < n_rows:
        raise InputError(
            f"validation_fraction {config.validation_fraction} of {n_rows} rows leaves {n_train} "
            "to train on; both parts need at least one row"
        )
    if config.convention == "corrected":
        rows = generator(config, SPLIT).permutation(n_rows)
    return np.sort(rows[:n_train]), np.sort(rows[n_train:])
