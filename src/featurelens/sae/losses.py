"""Terms of the losses, on torch tensors.

Each takes (n_rows, width) tensors and returns a scalar in the reduction that the config names:
``paper`` averages over rows and width, ``sum`` adds over the width and averages over rows.
"""

from typing import Any

from featurelens.sae.config import SAEConfig, error_scale, penalty_scale


def squared_error(reconstruction: Any, x: Any, config: SAEConfig) -> Any:
    """Squared reconstruction error."""
    return (reconstruction - x).square().sum(1).mean() * error_scale(config, x.shape[1])


def mean_penalty(codes: Any, config: SAEConfig) -> Any:
    """L1 norm of the codes, without its coefficient."""
    return mean_sum(codes.abs(), config)


def mean_sum(values: Any, config: SAEConfig) -> Any:
    """Sum over the width, averaged over rows."""
    return values.sum(1).mean() * penalty_scale(config, values.shape[1])


def keep_largest(before: Any, k: int) -> Any:
    """Keep the ``k`` largest values of each row where they are positive; all else is zero."""
    values, places = before.topk(k, dim=1, sorted=False)
    return before.new_zeros(before.shape).scatter(1, places, values.relu())
