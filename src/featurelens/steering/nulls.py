"""Controls of an edit: other features like it, directions of no feature, and ranks among them.

Every control moves each cell as far as the edit does, in another direction. What remains different
is where it leads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from featurelens.means import Log, silent
from featurelens.progress import counted
from featurelens.sae.random_directions import unit_rows

if TYPE_CHECKING:
    from featurelens.steering.effects import Reading

FREQUENCY_RATIO = 1.5
"""Most by which the share of active cells of a matched feature may differ, as a ratio."""
NORM_RATIO = 1.25
"""The same for the length of its decoder row."""


def lengths(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """How far an edit moves every cell along its mean direction, with sign, (n,).

    The absolute value is the length of the way; it is negative for cells that go against the mean
    of all, as where a feature is set below what some cells have.
    """
    step = after.astype(np.float64) - before.astype(np.float64)
    against = step @ step.mean(axis=0) < 0
    return np.where(against, -1, 1) * np.linalg.norm(step, axis=1)


def pushed(before: np.ndarray, length: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """Cells (n, d) moved by lengths (n,) along a unit vector (d,)."""
    return (before + length[:, None] * direction).astype(before.dtype)


def matched_features(
    fraction_active: np.ndarray, directions: np.ndarray, feature: int, *, most: int
) -> np.ndarray:
    """Features that are active about as often, with decoder rows about as long, nearest first.

    Parameters
    ----------
    fraction_active
        (n_features,).
    directions
        Decoder rows, (n_features, d).
    feature
        The one to match; it is not among the answers.
    most
        Number of features at most; fewer where fewer lie within :data:`FREQUENCY_RATIO` and
        :data:`NORM_RATIO`.

    Examples
    --------
    Of four features one is too rare and one too long:

    >>> rows = np.array([[1.0, 0], [0, 1], [0, 1], [0, 2]])
    >>> matched_features(np.array([0.5, 0.4, 0.1, 0.5]), rows, 0, most=9)
    array([1])
    """
    norm = np.linalg.norm(directions.astype(np.float64), axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = [np.abs(np.log(x / x[feature])) for x in (fraction_active.astype(float), norm)]
    frequency, length = (np.nan_to_num(x, nan=np.inf) for x in apart)
    near = (frequency <= np.log(FREQUENCY_RATIO)) & (length <= np.log(NORM_RATIO))
    near[feature] = False
    found = np.flatnonzero(near)
    return found[np.argsort(np.hypot(frequency, length)[found], kind="stable")][:most]


def spread_directions(embedding: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Random unit vectors (n, d), more often along directions in which cells differ more.

    Normal with the covariance of the cells, so that a control does not leave them for directions
    in which no two cells differ.
    """
    wide = embedding.astype(np.float64)
    centred = wide - wide.mean(axis=0)
    values, axes = np.linalg.eigh(centred.T @ centred / len(wide))
    normal = rng.normal(size=(n, len(values)))
    return unit_rows(normal * np.sqrt(np.maximum(values, 0)) @ axes.T)


def mean_effects(
    reading: Reading,
    before: np.ndarray,
    length: np.ndarray,
    directions: np.ndarray,
    *,
    log: Log = silent,
) -> np.ndarray:
    """Mean natural log ratios of cells pushed along each direction, (n_directions, n_genes)."""
    base = reading.mean_logarithms(before)
    units = counted(directions, len(directions), "controls", "controls of an edit decoded", log=log)
    moved = [reading.mean_logarithms(pushed(before, length, unit)) for unit in units]
    return np.stack(moved) - base


def rank_p(effect: np.ndarray, controls: np.ndarray, *, least: float = 1e-6) -> np.ndarray:
    """Share of an effect and its controls that are at least as large, either way.

    Parameters
    ----------
    effect
        (n_genes,) log ratios.
    controls
        (n_controls, n_genes).
    least
        Effects closer than this are equal: expression is single precision.

    Examples
    --------
    Of three controls one is as large; a gene that nothing moves has p 1:

    >>> rank_p(np.array([2.0, 0.0]), np.array([[1.0, 0], [-2, 0], [0.5, 0]]))
    array([0.5, 1. ])
    """
    larger = np.abs(controls) >= np.abs(effect) - least
    return (1 + larger.sum(axis=0)) / (1 + len(controls))


def scores(effect: np.ndarray, controls: np.ndarray) -> np.ndarray:
    """Effects in standard deviations of the same gene's controls around zero, (..., n_genes)."""
    spread = np.sqrt((controls.astype(np.float64) ** 2).mean(axis=0))
    return effect / np.where(spread > 0, spread, np.nan)


@dataclass(frozen=True, eq=False)
class Null:
    """Controls of one edit, and what they do to every gene."""

    kind: str
    """matched_features, or random_directions where too few features match."""
    names: list[str]
    """Of the controls: numbers of features, or of directions."""
    directions: np.ndarray
    """Unit vectors, (n_controls, d)."""
    effects: np.ndarray
    """Mean natural log ratios, (n_controls, n_genes); no genes where nothing decodes."""


def null_of(
    reading: Reading | None,
    before: np.ndarray,
    after: np.ndarray,
    *,
    embedding: np.ndarray,
    matched: np.ndarray,
    directions: np.ndarray,
    n_controls: int,
    rng: np.random.Generator,
    log: Log = silent,
) -> Null:
    """Controls of an edit: features like it where there are enough, else random directions.

    Parameters
    ----------
    before, after
        The edit, (n, d).
    embedding
        Of all cells, for the spread of random directions.
    matched
        Numbers of matched features.
    directions
        Decoder rows of the SAE.
    """
    if len(matched) >= n_controls:
        chosen = matched[:n_controls]
        kind, names, rows = "matched_features", list(map(str, chosen)), directions[chosen]
    else:
        rows = spread_directions(embedding, n_controls, rng)
        kind, names = "random_directions", [str(number) for number in range(n_controls)]
    units = unit_rows(rows)
    length = lengths(before, after)
    effects = np.empty((len(units), 0))
    if reading is not None:
        effects = mean_effects(reading, before, length, units, log=log)
    return Null(kind=kind, names=names, directions=units, effects=effects)
