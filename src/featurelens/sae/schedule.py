"""Factors of the learning rate and of the sparsity penalty, step by step."""

import numpy as np

from featurelens.sae.config import SAEConfig


def rate_factors(config: SAEConfig, first: int, count: int, total: int) -> np.ndarray:
    """Factors (count,) of the learning rate for steps ``first`` onwards, of ``total`` steps.

    Rises linearly over the first ``warmup`` share, falls linearly over the last ``decay`` share.
    """
    step = np.arange(first, first + count, dtype=np.float64)
    rise = _ramp(step + 1, config.warmup * total)
    fall = _ramp(total - step, config.decay * total)
    return np.minimum(rise, fall)


def sparsity_factors(config: SAEConfig, first: int, count: int, total: int) -> np.ndarray:
    """Factors (count,) of the penalty, rising linearly over the ``sparsity_warmup`` share."""
    step = np.arange(first, first + count, dtype=np.float64)
    return _ramp(step + 1, config.sparsity_warmup * total)


def _ramp(position: np.ndarray, length: float) -> np.ndarray:
    if length <= 0:
        return np.ones_like(position)
    return np.minimum(position / length, 1.0)
