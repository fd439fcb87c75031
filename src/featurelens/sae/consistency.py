"""Do two training runs find the same features?

Two SAEs of one embedding are compared feature by feature under the matching that maximises the sum,
once by their activations on held-out rows and once by the signed cosine of their decoder rows
(signed, because a ReLU code distinguishes a direction from its opposite). Few dimensions and many
features make any two dictionaries look alike, so each value stands beside that of random
dictionaries of the same size, whose features fire equally often.

Source: the matched mean correlation of SAELens ``synthetic/evals.py`` (there unsigned) and PW-MCC,
arXiv 2505.20254.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from featurelens.io import InputError
from featurelens.sae.model import SAE
from featurelens.sae.random_directions import fire_equally_often, unit_rows


@dataclass(frozen=True)
class Consistency:
    """Agreement of two SAEs; NaN where fewer than one feature of each is live."""

    n_left: int
    """Live features of the first."""
    n_right: int
    """Live features of the second."""
    correlation: float
    """Mean correlation of activations over matched pairs."""
    correlation_random: float
    """The same for random dictionaries that fire equally often."""
    cosine: float
    """Mean signed cosine of decoder rows over matched pairs."""
    cosine_random: float
    """The same for random directions."""
    max_cosine: float
    """Mean over features of the first of the largest cosine with any of the second."""
    max_cosine_random: float
    """The same for random directions."""


def compare(
    left: SAE, right: SAE, X: np.ndarray, *, n_random: int = 3, seed: int = 0
) -> Consistency:
    """Compare the live features of two SAEs on held-out rows.

    Parameters
    ----------
    left, right
        SAEs with the same input.
    X
        Rows that neither was trained on, (n, d_in); a few thousand are enough.
    n_random
        Pairs of random dictionaries whose values are averaged.
    seed
        Seed of the random dictionaries.

    Notes
    -----
    Matching takes time of the order of the number of features cubed: seconds for 2,000, minutes
    for 10,000.

    Raises
    ------
    InputError
        If the SAEs have different inputs.
    """
    if left.d_in != right.d_in:
        raise InputError(
            f"SAEs with {left.d_in} and {right.d_in} inputs cannot be compared; "
            "both need the same embedding"
        )
    rng = np.random.default_rng(seed)
    codes = [sae.encode(X) for sae in (left, right)]
    varies = [_varies(z) for z in codes]
    live = [z[:, keep] for z, keep in zip(codes, varies, strict=True)]
    rows = [sae.directions[keep] for sae, keep in zip((left, right), varies, strict=True)]
    random = [_random_pair(X, live, rng) for _ in range(n_random)]
    return Consistency(
        n_left=live[0].shape[1],
        n_right=live[1].shape[1],
        correlation=matched_mean(correlations(*live)),
        correlation_random=_mean([matched_mean(correlations(*pair)) for pair, _ in random]),
        cosine=matched_mean(cosines(*rows)),
        cosine_random=_mean([matched_mean(cosines(*pair)) for _, pair in random]),
        max_cosine=max_mean(cosines(*rows)),
        max_cosine_random=_mean([max_mean(cosines(*pair)) for _, pair in random]),
    )


def _varies(codes: np.ndarray) -> np.ndarray:
    """Return which features take more than one value, boolean (d_sae,)."""
    return codes.max(axis=0, initial=0) > codes.min(axis=0, initial=np.inf)


def _random_pair(
    X: np.ndarray, live: list[np.ndarray], rng: np.random.Generator
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Activations and directions of two random dictionaries as large and as active as ``live``."""
    directions = [unit_rows(rng.normal(size=(codes.shape[1], X.shape[1]))) for codes in live]
    shares = [(codes > 0).mean(axis=0) for codes in live]
    pairs = zip(directions, shares, strict=True)
    return [fire_equally_often(X, rows, share) for rows, share in pairs], directions


def correlations(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Pearson correlations of all pairs of columns, (n_left, n_right); 0 with a flat column.

    A random direction is flat where its threshold lies at the top of many equal rows.
    """
    return _standard(left).T @ _standard(right)


def _standard(codes: np.ndarray) -> np.ndarray:
    wide = codes.astype(np.float64)
    wide = wide - wide.mean(axis=0)
    return wide / np.maximum(np.linalg.norm(wide, axis=0), 1e-300)


def cosines(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Signed cosines of all pairs of rows, (n_left, n_right).

    Examples
    --------
    >>> cosines(np.array([[1, 0]]), np.array([[0, 2], [-3, 0]]))
    array([[ 0., -1.]])
    """
    return unit_rows(left) @ unit_rows(right).T


def matched_mean(similarity: np.ndarray) -> float:
    """Mean of the matched pairs under the matching with the largest sum; NaN without pairs.

    Examples
    --------
    >>> matched_mean(np.array([[0.9, 0.8], [0.8, 0.1]]))  # 0.8 + 0.8, more than 0.9 + 0.1
    0.8
    """
    if 0 in similarity.shape:
        return float("nan")
    return float(similarity[linear_sum_assignment(similarity, maximize=True)].mean())


def max_mean(similarity: np.ndarray) -> float:
    """Mean over rows of the largest value; NaN without pairs.

    Examples
    --------
    >>> max_mean(np.array([[0.5, 0.75], [0.25, 0.0]]))
    0.5
    """
    return float("nan") if 0 in similarity.shape else float(similarity.max(axis=1).mean())


def _mean(values: list[float]) -> float:
    return float(np.mean(values)) if values else float("nan")
