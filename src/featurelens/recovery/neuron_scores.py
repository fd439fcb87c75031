"""What single neurons carry of groups of variables: the arithmetic of :mod:`.neurons`.

All correlations are products of standardised matrices, taken over blocks of variables, so that a
product is never whole in memory: 15,000 neurons and 20,000 variables need 60 MB of it at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from featurelens.conventions import Convention
from featurelens.recovery import correlation
from featurelens.sae.random_directions import fire_equally_often, random_directions
from featurelens.simulation.variables import Variables

STRONG = 0.95
"""Correlation from which a neuron counts as one for the variable, or as a copy of another."""
MATCHED_AT_MOST = 2_000
"""Most variables (or levels) of a group that are matched one to one with neurons; the time of the
matching grows with the cube."""
FEWEST_RANDOM = 40
"""Random directions that a null is averaged over, at least."""
MEASURED = (
    "best_correlation", "max_correlation", "matched_correlation", "n_per_variable", "uniqueness",
)  # fmt: skip
"""Scores that have no closed form by chance."""
BLOCK = 1_000
"""Variables or neurons that are worked on at a time."""


@dataclass(frozen=True)
class Neurons:
    """Live neurons on the cells that are measured."""

    standard: np.ndarray
    """(n_rows, n_varying) float32, centred and of unit length; neurons that never vary are out."""
    fires: np.ndarray
    """(n_rows, n_varying) bool"""
    counts: np.ndarray
    """(n_rows,) cells that a row stands for."""
    n_live: int
    """Neurons that fire on some cell."""
    n_flat: int
    """How many of these never vary."""
    mean_active: float
    """Mean number of neurons that fire per cell."""

    @property
    def rate(self) -> np.ndarray:
        """(n_varying,) share of the cells in which a neuron fires."""
        return self.counts @ self.fires / self.counts.sum()


@dataclass(frozen=True)
class Association:
    """Neurons against the columns of one group: its variables, or the levels of a category."""

    is_constant: np.ndarray
    """(n_columns,) bool: columns that never vary."""
    best: np.ndarray
    """(n_columns,) signed r of the neuron with the largest abs(r); NaN where there is none."""
    n_strong: np.ndarray
    """(n_columns,) neurons with abs(r) above :data:`STRONG`."""
    n_strong_shrunk: np.ndarray
    """(n_columns,) the same of the author's r of the large simulation, see :func:`shrinkage`."""
    nearest: np.ndarray
    """(n_neurons,) column of the largest abs(r) of each neuron."""
    matched: float
    """Mean abs(r) over columns that vary when every neuron serves one at most; NaN for too many."""


def describe_neurons(
    codes: np.ndarray, counts: np.ndarray, *, active: float, signed: bool
) -> Neurons:
    """Standardise the live neurons.

    Parameters
    ----------
    codes : (n_rows, n_neurons)
    counts : (n_rows,)
        Cells that a row stands for.
    active
        A neuron fires where it exceeds this.
    signed
        Scores that fire in both directions, such as those of PCA.
    """
    fires = (np.abs(codes) if signed else codes) > active
    live = fires.any(axis=0)
    fires = fires[:, live]
    standard = correlation.standardise(codes[:, live], counts)
    mean_active = float(counts @ fires.sum(axis=1) / counts.sum())
    is_flat = np.isnan(standard[0])
    if is_flat.any():
        standard, fires = standard[:, ~is_flat], fires[:, ~is_flat]
    return Neurons(standard, fires, counts, int(live.sum()), int(is_flat.sum()), mean_active)


def shrinkage(n_cells: float) -> float:
    """The author's r of the large simulation in parts of Pearson's: (n - 1) / n.

    His ``pearsonr`` takes the covariance over n and both standard deviations over n - 1
    (``src/functions/sae_analysis_sim3.py``, ``05_rebuttal_*.py``).

    Examples
    --------
    >>> shrinkage(4500)  # cells on which he measures SAEs
    0.9997777777777778
    """
    return (n_cells - 1) / n_cells


def associate(neurons: Neurons, columns: np.ndarray, *, shrink: float = 1.0) -> Association:
    """Correlate all neurons with all columns (n_rows, n_columns) of a group, block by block."""
    n_columns, n_neurons = columns.shape[1], neurons.standard.shape[1]
    is_constant = np.ones(n_columns, dtype=bool)
    best, n_strong = np.full(n_columns, np.nan), np.zeros(n_columns, dtype=np.int64)
    n_shrunk = n_strong.copy()
    nearest, largest = np.zeros(n_neurons, dtype=np.int64), np.full(n_neurons, -1.0)
    kept: list[np.ndarray] = []
    for start in range(0, n_columns, BLOCK):
        stop = min(start + BLOCK, n_columns)
        targets = correlation.standardise(columns[:, start:stop], neurons.counts)
        varies = np.flatnonzero(~np.isnan(targets[0]))
        is_constant[start + varies] = False
        if not len(varies) or not n_neurons:
            continue
        r = targets[:, varies].T @ neurons.standard
        strength = np.abs(r)
        place = strength.argmax(axis=1)
        best[start + varies] = r[np.arange(len(varies)), place]
        n_strong[start + varies] = (strength > STRONG).sum(axis=1)
        n_shrunk[start + varies] = (strength * shrink > STRONG).sum(axis=1)
        column = strength.argmax(axis=0)
        value = strength[column, np.arange(n_neurons)]
        nearest = np.where(value > largest, start + varies[column], nearest)
        largest = np.maximum(value, largest)
        if n_columns <= MATCHED_AT_MOST:
            kept.append(strength)
    matched = correlation.match(np.concatenate(kept)) if kept else np.nan
    return Association(is_constant, best, n_strong, n_shrunk, nearest, matched)


def score_published(
    neurons: Neurons, association: Association, *, shrink: float = 1.0
) -> dict[str, float]:
    """The author's numbers: signed, and NaN where a variable or a neuron never varies."""
    if neurons.n_live == 0:
        return _record(0.0, 0.0, 0.0)
    undefined = neurons.n_flat > 0 or association.is_constant.any()
    best = np.full(len(association.best), np.nan) if undefined else shrink * association.best
    return _record(best.mean(), best.max(), association.n_strong_shrunk.mean())


def score_corrected(
    neurons: Neurons, association: Association, columns: np.ndarray, *, is_category: bool
) -> dict[str, float]:
    """Sizes of correlations over the variables that vary, and how well neurons detect variables."""
    varies = ~association.is_constant
    if not varies.any() or not neurons.standard.shape[1]:
        return _record(np.nan, np.nan, np.nan)
    best, n_strong = np.abs(association.best[varies]), association.n_strong[varies]
    if is_category:
        levels = columns.astype(np.float64)[:, varies]
        eta = correlation.eta(neurons.standard, levels, neurons.counts)
        best, n_strong = eta.max(keepdims=True), (eta > STRONG).sum(keepdims=True)
    f1, chance = detection(neurons, association.nearest, columns)
    return _record(best.mean(), best.max(), n_strong.mean()) | {
        "matched_correlation": association.matched,
        "f1": float(f1.mean()),
        "chance_f1": float(chance.mean()),
        "uniqueness": len(np.unique(association.nearest)) / neurons.n_live,
    }


def detection(
    neurons: Neurons, nearest: np.ndarray, columns: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """F1 of every neuron as a detector of its nearest variable, and F1 by chance.

    The neuron's firing is the prediction, the variable's presence (above 0) the truth. A neuron
    that fires in a share p of the cells, independently of a variable that is present in a share q,
    hits 2 p q of p + q: its F1 is 2 p q / (p + q).

    Returns
    -------
    f1, chance : (n_varying,)
    """
    counts, both = neurons.counts, np.empty(len(nearest))
    presence = counts @ (columns > 0)
    for start in range(0, len(nearest), BLOCK):
        part = slice(start, start + BLOCK)
        both[part] = counts @ (neurons.fires[:, part] & (columns[:, nearest[part]] > 0))
    fired, present = counts @ neurons.fires, presence[nearest]
    f1 = 2 * both / (fired + present)
    return f1, 2 * fired * present / (fired + present) / counts.sum()


def count_redundant(neurons: Neurons, rule: str, *, shrink: float = 1.0) -> int:
    """Count the neurons that another one repeats (r above :data:`STRONG`).

    ``earlier``: those that have an earlier one, never themselves, as in the author's script of the
    small simulation. ``all``: his faster version for the large simulation, where every neuron is
    correlated with itself, too, so that every live one counts. ``last``: his baselines, where the
    indentation lets only the last component be compared with all, itself included.
    """
    if rule == "all":
        return neurons.n_live
    if rule == "last":
        r = neurons.standard.T @ neurons.standard[:, -1:]
        return int((shrink * r > STRONG).sum())
    return correlation.count_redundant(neurons.standard, threshold=STRONG)


def level_columns(group: Variables) -> np.ndarray:
    """One column for every level of a category that occurs, (n_rows, n_levels) bool."""
    return group.values == np.unique(group.values)


def score_groups(
    neurons: Neurons,
    variables: Sequence[Variables],
    conventions: Sequence[Convention],
    *,
    shrink: float = 1.0,
) -> dict[tuple[Convention, str], dict[str, float]]:
    """Scores of every group under every convention, from as few products as possible."""
    scores: dict[tuple[Convention, str], dict[str, float]] = {}
    for group in variables:
        is_category = group.kind == "category"
        by_value = not is_category or "published" in conventions
        values = group.values if by_value else group.values[:, :0]
        found = associate(neurons, values, shrink=shrink)
        n_constant = int(found.is_constant.sum())
        if "published" in conventions:
            scores["published", group.name] = score_published(neurons, found, shrink=shrink)
        if "corrected" in conventions:
            columns = level_columns(group) if is_category else group.values
            if is_category:
                found = associate(neurons, columns)
                n_constant = int(found.is_constant.all())
            scores["corrected", group.name] = score_corrected(
                neurons, found, columns, is_category=is_category
            )
        for one in conventions:
            scores[one, group.name] |= {
                "n_variables": group.values.shape[1],
                "n_constant": n_constant,
            }
    return scores


def score_random(
    neurons: Neurons,
    inputs: np.ndarray | None,
    variables: Sequence[Variables],
    conventions: Sequence[Convention],
    seed: int,
    *,
    shrink: float = 1.0,
) -> dict[tuple[Convention, str], dict[str, float]]:
    """Mean scores of random directions that fire as often as the neurons."""
    n = neurons.standard.shape[1]
    if inputs is None or n == 0:
        nothing = dict.fromkeys(MEASURED, np.nan)
        return {(one, group.name): nothing for one in conventions for group in variables}
    rng, rate = np.random.default_rng(seed), neurons.rate
    drawn = []
    for _ in range(-(-FEWEST_RANDOM // n)):
        codes = np.empty((len(inputs), n), dtype=np.float32)
        for start in range(0, n, BLOCK):
            part = slice(start, start + BLOCK)
            directions = random_directions(len(rate[part]), inputs.shape[1], rng)
            codes[:, part] = fire_equally_often(
                inputs, directions, rate[part], counts=neurons.counts
            )
        random = describe_neurons(codes, neurons.counts, active=0, signed=False)
        drawn.append(score_groups(random, variables, conventions, shrink=shrink))
    return {
        key: {name: float(np.mean([scores[key][name] for scores in drawn])) for name in MEASURED}
        for key in drawn[0]
    }


def _record(best: float, largest: float, n_strong: float) -> dict[str, float]:
    return {
        "best_correlation": float(best),
        "max_correlation": float(largest),
        "n_per_variable": float(n_strong),
        "matched_correlation": np.nan,
        "f1": np.nan,
        "chance_f1": np.nan,
        "uniqueness": np.nan,
    }
