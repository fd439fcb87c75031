"""In which cell types a feature is more active than elsewhere.

Works on activations (n_cells, n_features) in CSR form and never makes them dense.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse

from featurelens.conventions import Convention
from featurelens.stats.multiple import bh
from featurelens.stats.welch import Moments, welch

if TYPE_CHECKING:
    import anndata


class TypeMoments(NamedTuple):
    """Activations inside and outside of each cell type, zeros included."""

    inside: Moments
    """Of the cells of each type: n (n_types, 1), mean and variance (n_types, n_features)."""
    outside: Moments
    """Of all other cells."""


def moments_of_parts(
    parts: Iterable[sparse.csr_matrix], codes: np.ndarray, *, n_types: int
) -> TypeMoments:
    """:func:`type_moments` of activations that come some features at a time."""
    found = [type_moments(part, codes, n_types=n_types) for part in parts]
    sides = [[moments[side] for moments in found] for side in (0, 1)]
    return TypeMoments(
        *(
            Moments(
                n=side[0].n,
                mean=np.concatenate([part.mean for part in side], axis=1),
                variance=np.concatenate([part.variance for part in side], axis=1),
            )
            for side in sides
        )
    )


def type_moments(activations: sparse.csr_matrix, codes: np.ndarray, *, n_types: int) -> TypeMoments:
    """Moments of every feature inside and outside of every cell type, without a dense matrix.

    Squared deviations are taken from the mean itself (two passes) and groups are joined by
    ``ss = ss_1 + ss_2 + sum n_i (m_i - m)^2``, so a feature that hardly varies keeps its digits.

    Parameters
    ----------
    activations
        (n_cells, n_features) CSR.
    codes
        Type of each cell, 0 to n_types - 1, (n_cells,).
    n_types
        Number of cell types.
    """
    n_features = activations.shape[1]
    n = np.bincount(codes, minlength=n_types).astype(float)[:, None]  # (n_types, 1)
    mean = np.zeros((n_types, n_features))
    spread = np.zeros((n_types, n_features))  # sums of squared deviations
    for code in range(n_types):
        rows = activations[codes == code]
        values = rows.data.astype(np.float64)
        total = np.bincount(rows.indices, values, minlength=n_features)
        n_stored = np.bincount(rows.indices, minlength=n_features)
        mean[code] = total / n[code]
        deviations = (values - mean[code, rows.indices]) ** 2
        zeros = (n[code] - n_stored) * mean[code] ** 2
        spread[code] = np.bincount(rows.indices, deviations, minlength=n_features) + zeros
    return TypeMoments(
        inside=_with_variance(n, mean, spread), outside=_with_variance(*_others(n, mean, spread))
    )


def _others(
    n: np.ndarray, mean: np.ndarray, spread: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Size, mean and squared deviations of all groups but one, for each group."""
    n_out, mean_out, spread_out = n.sum() - n, np.full_like(mean, np.nan), np.zeros_like(spread)
    for code in np.flatnonzero(n_out):
        rest = np.arange(len(n)) != code
        mean_out[code] = (n[rest] * mean[rest]).sum(axis=0) / n_out[code]
        between = n[rest] * (mean[rest] - mean_out[code]) ** 2
        spread_out[code] = (spread[rest] + between).sum(axis=0)
    return n_out, mean_out, spread_out


def _with_variance(n: np.ndarray, mean: np.ndarray, spread: np.ndarray) -> Moments:
    degrees = np.where(n > 1, n - 1, np.nan)
    return Moments(n=n, mean=mean, variance=spread / degrees)


def significant_published(moments: TypeMoments, *, z: float) -> np.ndarray:
    """Published rule: ``m_in - m_out > z (se_in + se_out)``, se with ddof 1 (``04_sae_stats.py``).

    Returns
    -------
    numpy.ndarray
        (n_types, n_features) bool; False where a group has a single cell.
    """
    inside, outside = moments
    with np.errstate(invalid="ignore", divide="ignore"):
        error = np.sqrt(inside.variance / inside.n) + np.sqrt(outside.variance / outside.n)
    return inside.mean - outside.mean > z * error


def welch_q(moments: TypeMoments) -> np.ndarray:
    """Welch's one-sided test of inside against outside, BH over all features and types.

    Returns
    -------
    numpy.ndarray
        (n_types, n_features) adjusted p; NaN where nothing varies, as in dead features, which
        therefore do not count among the tests.
    """
    test = welch(moments.inside, moments.outside)
    p = np.where(test.t > 0, test.p / 2, 1 - test.p / 2)
    return bh(p.ravel()).reshape(p.shape)


def pooled_effects(moments: TypeMoments) -> np.ndarray:
    """``(m_in - m_out) / pooled sd``, (n_types, n_features); NaN where nothing varies."""
    inside, outside = moments
    spread = (inside.n - 1) * np.nan_to_num(inside.variance)
    spread = spread + (outside.n - 1) * np.nan_to_num(outside.variance)
    sd = np.sqrt(spread / np.maximum(inside.n + outside.n - 2, 1))
    return np.divide(inside.mean - outside.mean, sd, out=np.full(sd.shape, np.nan), where=sd > 0)


def local_types(features: anndata.AnnData, convention: Convention) -> pd.Series:
    """The cell type of every local feature: the one that it alone is significant in.

    Parameters
    ----------
    features
        Of :func:`featurelens.features.describe.describe_features`.
    convention
        Whose rule.

    Returns
    -------
    Series
        Name of the type by the name of the feature, of local features alone.
    """
    suffix = "_published" if convention == "published" else ""
    local = (features.var[f"type{suffix}"] == "local").to_numpy()
    where = np.asarray(features.varm[f"significant{suffix}"])[local].argmax(axis=1)
    types = np.asarray(features.uns["cell_types"], dtype=object)[where]
    return pd.Series(types, index=features.var.index[local], dtype=object)


def main_type_of(features: anndata.AnnData) -> pd.Series:
    """The type that holds most of a feature's activation, (n_features,); of dead ones the first."""
    names = np.asarray(features.uns["cell_types"], dtype=object)
    counts = features.obs["cell_type"].astype(str).value_counts().reindex(names.astype(str))
    held = np.asarray(features.varm["type_means"]) * counts.to_numpy()
    return pd.Series(names[held.argmax(axis=1)], index=features.var.index, dtype=object)
