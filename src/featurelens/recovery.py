"""How well known hidden variables can be read from an embedding, and from single SAE features.

``superposition`` asks what a linear probe finds in the embedding; ``measure_recovery`` asks what
one neuron alone carries. Both run under two conventions: ``published`` is the author's
computation to the letter, ``corrected`` treats categories as categories, scores
cells that the probe has not seen, ignores signs, and leaves out what never varies.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from featurelens import _correlation, _readout
from featurelens.conventions import Convention
from featurelens.observables import Observables
from featurelens.simulation import Variables

Probe = Literal["gradient", "least_squares"]

ACTIVE = 1e-10
"""A neuron fires on a cell when its activation exceeds this (author's threshold)."""
STRONG = 0.95
"""Correlation from which a neuron counts as one for the variable, or as a copy of another."""


def superposition(
    embedding: np.ndarray,
    variables: Sequence[Variables],
    is_validation: np.ndarray,
    *,
    convention: Convention,
    probe: Probe = "gradient",
    epochs: int = 100,
    seed: int = 0,
    threads: int = 1,
    device: str = "cpu",
    observed: Observables | None = None,
) -> pd.DataFrame:
    """Score how well each variable is read linearly from an embedding.

    ``published`` uses category codes as numbers and scores R², with
    ``probe`` ``gradient`` (hierarchical simulation: one linear layer for all variables at once,
    Adam 1e-4, batches of 128, at most 100 epochs, scored on the validation cells) or
    ``least_squares`` (small simulation: ordinary least squares, fitted and scored on all cells).

    ``corrected`` uses ridge regression in closed form, fitted on the other cells and scored on the
    validation cells: R² for numbers, balanced accuracy for categories (ridge on the one-hot levels,
    then the nearest level centroid in the metric of the residuals, so that a middle level on a
    line is not masked). ``probe`` does not matter.

    Parameters
    ----------
    embedding : (n_cells, latent)
    variables
        Groups of variables over the same cells.
    is_validation : (n_cells,) bool
    convention
        ``published`` or ``corrected``.
    probe
        The author's probe to use under ``published``.
    epochs
        Of the gradient probe, at most. The author's 100 are 70,000 steps at published size, but
        only 2,200 on 3,000 cells.
    seed
        Of the gradient probe.
    threads, device
        Threads and torch device of the gradient probe.
    observed
        Y where it is not among the variables, scored before them; of a large Y that is not stored,
        batches and blocks of columns are made, never the whole.

    Returns
    -------
    pandas.DataFrame
        One row per variable: convention, group, level, kind, variable (index in its group), metric
        (``r2`` or ``balanced_accuracy``), score, chance (0 for R², 1 / levels for accuracy) and
        rescaled = (score - chance) / (1 - chance). NaN where a variable is constant.
    """
    is_validation = np.asarray(is_validation, dtype=bool)
    groups = [_Group(v.name, v.level, v.kind, Observables.of(v.values)) for v in variables]
    if observed is not None:
        groups.insert(0, _Group("Y", 0, "numeric", observed))
    if convention == "corrected":
        tables = [_probe_corrected(embedding, group, is_validation) for group in groups]
    else:
        targets = _readout.joined([group.values for group in groups])
        if probe == "gradient":
            score = _readout.gradient_r2(
                embedding,
                targets,
                is_validation,
                epochs=epochs,
                seed=seed,
                threads=threads,
                device=device,
            )
        else:
            score = _readout.least_squares_r2(embedding, targets)
        parts = np.split(score, np.cumsum([group.values.shape[1] for group in groups])[:-1])
        tables = [
            _score_table(group, "r2", part, 0.0) for group, part in zip(groups, parts, strict=True)
        ]
    table = pd.concat(tables, ignore_index=True)
    table.insert(0, "convention", convention)
    return table


def measure_recovery(
    activations: np.ndarray, variables: Sequence[Variables], *, convention: Convention
) -> pd.DataFrame:
    """Score how well single neurons carry each group of variables.

    ``published`` is the author's ``02_simulation_*_sweep.py``.

    Parameters
    ----------
    activations : (n_cells, n_neurons)
        Not negative for SAE features; scores of a baseline may have any sign.
    variables
        Groups of variables over the same cells.
    convention
        ``published``: Pearson r with category codes as numbers; a constant variable or neuron
        makes its group NaN as it does in the author's tables, and no live neuron gives zeros.
        ``corrected``: absolute correlation; categories by η, the correlation with the best
        combination of their levels; constants left out; NaN where nothing is left.

    Returns
    -------
    pandas.DataFrame
        One row per group.

        convention, group, level
        best_correlation
            Mean over variables of the best neuron's r; signed under ``published``.
        max_correlation
            Largest of them over variables, the number the paper plots for the large simulation.
        n_per_variable
            Mean number of live neurons with abs(r) > 0.95.
        matched_correlation
            ``corrected``: mean abs(r) over variables when every neuron serves one variable only
            (Hungarian assignment; a variable left without neuron counts 0; a category enters as
            its one-hot levels). ``published``: NaN.
        n_live
            Neurons that fire on some cell.
        mean_active
            Mean number of neurons that fire per cell.
        n_redundant
            Live neurons whose r with an earlier live neuron exceeds 0.95.
        n_variables, n_constant
            Variables of the group, and how many of them never vary.
    """
    rows, counts = _correlation.distinct_rows([activations, *(group.values for group in variables)])
    codes = activations if len(rows) == len(activations) else activations[rows]
    fires = (codes if convention == "published" else np.abs(codes)) > ACTIVE
    live = fires.any(axis=0)
    neurons = _correlation.standardise(codes[:, live], counts)
    shared = {
        "n_live": int(live.sum()),
        "mean_active": float(counts @ fires.sum(axis=1) / counts.sum()),
        "n_redundant": _correlation.count_redundant(neurons, threshold=STRONG),
    }
    if convention == "corrected":
        neurons = _correlation.without_flat(neurons)
    records = []
    for group in variables:
        values = group.values[rows]
        record = {"convention": convention, "group": group.name, "level": group.level}
        if convention == "published":
            measured = _published(neurons, values, counts)
        else:
            measured = _corrected(neurons, values, counts, group.kind)
        records.append(record | measured | shared)
    return pd.DataFrame(records)


class _Group(NamedTuple):
    """Variables as :class:`Variables`, which need not be stored."""

    name: str
    level: int
    kind: str
    values: Observables


def _probe_corrected(
    embedding: np.ndarray, group: _Group, is_validation: np.ndarray
) -> pd.DataFrame:
    if group.kind != "category":
        score = _readout.ridge_r2(embedding, group.values, is_validation)
        return _score_table(group, "r2", score, 0.0)
    codes = group.values.cells[:, 0]
    predicted = _readout.classify(
        embedding[~is_validation], codes[~is_validation], embedding[is_validation]
    )
    accuracy, chance = _readout.balanced_accuracy(codes[is_validation], predicted)
    return _score_table(group, "balanced_accuracy", np.array([accuracy]), chance)


def _score_table(group: _Group, metric: str, score: np.ndarray, chance: float) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "group": group.name,
            "level": group.level,
            "kind": group.kind,
            "variable": np.arange(len(score)),
            "metric": metric,
            "score": score,
            "chance": chance,
            "rescaled": (score - chance) / (1 - chance),
        }
    )


def _published(neurons: np.ndarray, values: np.ndarray, counts: np.ndarray) -> dict[str, float]:
    targets = _correlation.standardise(values, counts)
    record = {"n_variables": values.shape[1], "n_constant": int(np.isnan(targets[0]).sum())}
    if neurons.shape[1] == 0:
        return _record(0.0, 0.0, 0.0, np.nan) | record
    r = neurons.T @ targets
    best = np.take_along_axis(r, np.abs(r).argmax(axis=0)[None], axis=0)[0]
    n_strong = (np.abs(r) > STRONG).sum(axis=0)
    return _record(best.mean(), best.max(), n_strong.mean(), np.nan) | record


def _corrected(
    neurons: np.ndarray, values: np.ndarray, counts: np.ndarray, kind: str
) -> dict[str, float]:
    is_category = kind == "category"
    columns = (values == np.unique(values)).astype(np.float64) if is_category else values
    targets = _correlation.without_flat(_correlation.standardise(columns, counts))
    n_variables = 1 if is_category else values.shape[1]
    n_constant = int(targets.shape[1] == 0) if is_category else n_variables - targets.shape[1]
    record = {"n_variables": n_variables, "n_constant": n_constant}
    r = np.abs(targets.T @ neurons)
    if r.size == 0:
        return _record(np.nan, np.nan, np.nan, np.nan) | record
    strength = _correlation.eta(neurons, columns, counts)[None] if is_category else r
    best, n_strong = strength.max(axis=1), (strength > STRONG).sum(axis=1)
    matched = _correlation.match(r)
    return _record(best.mean(), best.max(), n_strong.mean(), matched) | record


def _record(best: float, largest: float, n_strong: float, matched: float) -> dict[str, float]:
    return {
        "best_correlation": float(best),
        "max_correlation": float(largest),
        "n_per_variable": float(n_strong),
        "matched_correlation": float(matched),
    }
