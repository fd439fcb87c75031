"""What a linear probe reads of each hidden variable, under both conventions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from featurelens.conventions import Convention
from featurelens.means import ALONE, Means
from featurelens.recovery.gradient_probe import gradient_r2
from featurelens.recovery.linear_probes import (
    balanced_accuracy,
    classify,
    joined,
    least_squares_r2,
    reduced,
    ridge_r2,
)
from featurelens.simulation.observables import Observables
from featurelens.simulation.variables import Variables

Probe = Literal["gradient", "least_squares"]


def superposition(
    embedding: np.ndarray | Observables,
    variables: Sequence[Variables],
    is_validation: np.ndarray,
    *,
    convention: Convention,
    probe: Probe = "gradient",
    epochs: int = 100,
    seed: int = 0,
    means: Means = ALONE,
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
        Observables that are not stored are read by ridge regression without making them.
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
    means
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
    inputs = Observables.of(embedding)
    is_made = inputs.connectivity is not None
    if convention == "corrected":
        read = reduced(inputs, ~is_validation) if is_made else inputs.cells
        tables = [_probe_corrected(read, group, is_validation, scaled=is_made) for group in groups]
    else:
        read = inputs.rows(slice(None)) if is_made else inputs.cells
        targets = joined([group.values for group in groups])
        if probe == "gradient":
            score = gradient_r2(
                read,
                targets,
                is_validation,
                epochs=epochs,
                seed=seed,
                means=means,
            )
        else:
            score = least_squares_r2(read, targets)
        parts = np.split(score, np.cumsum([group.values.shape[1] for group in groups])[:-1])
        tables = [
            _score_table(group, "r2", part, 0.0) for group, part in zip(groups, parts, strict=True)
        ]
    table = pd.concat(tables, ignore_index=True)
    table.insert(0, "convention", convention)
    return table


def group_scores(scores: pd.DataFrame) -> pd.DataFrame:
    """Mean scores of groups of variables: of 20,000 observables one row is left.

    Parameters
    ----------
    scores
        Of :func:`superposition`, perhaps with a column ``source``, which is kept.

    Returns
    -------
    pandas.DataFrame
        source (if there), convention, group, level, kind, metric, chance, n_variables (with a
        score; constant ones have none), score and rescaled (means over them), and correlation: with
        the best linear read-out, the mean of the square roots of R² (negative ones count 0), NaN
        where the score is no R².
    """
    keys = ["convention", "group", "level", "kind", "metric"]
    keys = [*(["source"] if "source" in scores else []), *keys]
    root = scores["score"].clip(lower=0) ** 0.5
    of = scores.assign(correlation=root.where(scores["metric"] == "r2")).groupby(keys, sort=False)
    table = of.agg(
        chance=("chance", "first"),
        n_variables=("score", "count"),
        score=("score", "mean"),
        rescaled=("rescaled", "mean"),
        correlation=("correlation", "mean"),
    )
    return table.reset_index()


class _Group(NamedTuple):
    """Variables as :class:`Variables`, which need not be stored."""

    name: str
    level: int
    kind: str
    values: Observables


def _probe_corrected(
    embedding: np.ndarray, group: _Group, is_validation: np.ndarray, *, scaled: bool
) -> pd.DataFrame:
    if group.kind != "category":
        score = ridge_r2(embedding, group.values, is_validation, scaled=scaled)
        return _score_table(group, "r2", score, 0.0)
    codes = group.values.cells[:, 0]
    predicted = classify(
        embedding[~is_validation],
        codes[~is_validation],
        embedding[is_validation],
        scaled=scaled,
    )
    accuracy, chance = balanced_accuracy(codes[is_validation], predicted)
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
