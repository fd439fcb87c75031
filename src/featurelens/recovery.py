"""How well known hidden variables can be read from an embedding, and from single SAE features.

``superposition`` asks what a linear probe finds in the embedding; ``measure_recovery`` asks what
one neuron alone carries. Both run under two conventions: ``published`` is the author's
computation to the letter, ``corrected`` treats categories as categories, scores
cells that the probe has not seen, ignores signs, and leaves out what never varies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from featurelens import _correlation, _neurons, _readout
from featurelens.conventions import CONVENTIONS, Convention
from featurelens.observables import Observables
from featurelens.simulation import Variables

Probe = Literal["gradient", "least_squares"]
Redundancy = Literal["earlier", "all", "last"]

ACTIVE = 1e-10
"""A neuron fires on a cell when its activation exceeds this (author's threshold)."""


def superposition(
    embedding: np.ndarray | Observables,
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
    inputs = Observables.of(embedding)
    is_made = inputs.connectivity is not None
    if convention == "corrected":
        read = _readout.reduced(inputs, ~is_validation) if is_made else inputs.cells
        tables = [_probe_corrected(read, group, is_validation, scaled=is_made) for group in groups]
    else:
        read = inputs.rows(slice(None)) if is_made else inputs.cells
        targets = _readout.joined([group.values for group in groups])
        if probe == "gradient":
            score = _readout.gradient_r2(
                read,
                targets,
                is_validation,
                epochs=epochs,
                seed=seed,
                threads=threads,
                device=device,
            )
        else:
            score = _readout.least_squares_r2(read, targets)
        parts = np.split(score, np.cumsum([group.values.shape[1] for group in groups])[:-1])
        tables = [
            _score_table(group, "r2", part, 0.0) for group, part in zip(groups, parts, strict=True)
        ]
    table = pd.concat(tables, ignore_index=True)
    table.insert(0, "convention", convention)
    return table


def measure_recovery(
    activations: np.ndarray,
    variables: Sequence[Variables],
    *,
    convention: Convention | Literal["both"],
    counts: np.ndarray | None = None,
    inputs: np.ndarray | None = None,
    redundancy: Redundancy = "earlier",
    seed: int = 0,
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
        ``both``: the rows of both, from one set of products.
    counts : (n_cells,)
        Cells that a row stands for, where the rows are known to be distinct.
    inputs : (n_cells, d_in)
        What the neurons read. Random directions in it give the null; without it there is none.
    redundancy
        What ``published`` counts as redundant: ``earlier`` in the small simulation, ``all`` in
        the large one, ``last`` in its baselines (:func:`featurelens._neurons.count_redundant`).
        ``corrected`` always has ``earlier``.
    seed
        Of the random directions.

    Returns
    -------
    pandas.DataFrame
        One row per group (and convention).

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
            its one-hot levels; NaN for more than 2,000 variables). ``published``: NaN.
        f1
            ``corrected``: every neuron as a detector of its nearest variable (largest abs(r); a
            category's level): F1 of its firing against the variable's presence, mean over
            neurons. A number is present where it exceeds 0. One that is hardly ever 0, such as
            X', is then present everywhere, and F1 says no more than how often neurons fire:
            compare with chance_f1. ``published``: NaN.
        chance_f1
            The same when the neurons fired as often, but independently of the variables.
        uniqueness
            ``corrected``: variables that are the nearest of some neuron, over live neurons.
        null_...
            The five numbers without closed form from random directions of ``inputs``, as many as
            neurons vary and each firing as often as one of them, through the same code; mean over
            draws of at least 40 directions in all.
        n_live
            Neurons that fire on some cell.
        mean_active
            Mean number of neurons that fire per cell.
        n_redundant
            Live neurons whose r with an earlier live neuron exceeds 0.95; see ``redundancy``.
        n_variables, n_constant
            Variables of the group, and how many of them never vary.
    """
    if counts is None:
        parts = [activations, *(group.values for group in variables)]
        rows, counts = _correlation.distinct_rows(parts if inputs is None else [*parts, inputs])
        if len(rows) < len(activations):
            activations = activations[rows]
            inputs = None if inputs is None else inputs[rows]
            variables = [replace(group, values=group.values[rows]) for group in variables]
    conventions = CONVENTIONS if convention == "both" else (convention,)
    # only scores with signs fire differently under the two conventions
    together = [conventions] if activations.min(initial=0) >= 0 else [(one,) for one in conventions]
    records = []
    for part in together:
        neurons = _neurons.describe_neurons(
            activations, counts, active=ACTIVE, signed="corrected" in part
        )
        about = _describe(neurons, part, redundancy)
        measured = _neurons.score_groups(neurons, variables, part)
        null = _neurons.score_random(neurons, inputs, variables, part, seed)
        records += [
            {"convention": one, "group": group.name, "level": group.level}
            | measured[one, group.name]
            | {f"null_{name}": null[one, group.name][name] for name in _neurons.MEASURED}
            | about[one]
            for one in part
            for group in variables
        ]
    table = pd.DataFrame(records)
    scores = _neurons.MEASURED[:3]
    first = ["convention", "group", "level", *scores, *(f"null_{name}" for name in scores)]
    return table[[*first, *(name for name in table if name not in first)]]


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
        score = _readout.ridge_r2(embedding, group.values, is_validation, scaled=scaled)
        return _score_table(group, "r2", score, 0.0)
    codes = group.values.cells[:, 0]
    predicted = _readout.classify(
        embedding[~is_validation],
        codes[~is_validation],
        embedding[is_validation],
        scaled=scaled,
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


def _describe(
    neurons: _neurons.Neurons, conventions: Sequence[Convention], redundancy: Redundancy
) -> dict[Convention, dict[str, float]]:
    """What a convention says of the neurons themselves."""
    rules = {"published": redundancy, "corrected": "earlier"}
    counted = {
        rule: _neurons.count_redundant(neurons, rule)
        for rule in dict.fromkeys(rules[one] for one in conventions)
    }
    shared = {"n_live": neurons.n_live, "mean_active": neurons.mean_active}
    return {one: shared | {"n_redundant": counted[rules[one]]} for one in conventions}
