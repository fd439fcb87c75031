"""How well known hidden variables can be read from an embedding, and from single SAE features.

``superposition`` asks what a linear probe finds in the embedding; ``measure_recovery`` asks what
one neuron alone carries. Both run under two conventions: ``published`` is the author's
computation, ``corrected`` treats categories as categories, scores
cells that the probe has not seen, ignores signs, and leaves out what never varies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
import pandas as pd

from featurelens.conventions import CONVENTIONS, Convention
from featurelens.recovery import correlation, neuron_scores
from featurelens.simulation.variables import Variables

Redundancy = Literal["earlier", "all", "last"]

ACTIVE = 1e-10
"""A neuron fires on a cell when its activation exceeds this (author's threshold)."""


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
        the large one, ``last`` in its baselines (:func:`.neuron_scores.count_redundant`). The
        latter two are of scripts whose r is (n - 1) / n of Pearson's
        (:func:`.neuron_scores.shrinkage`). ``corrected`` always has ``earlier``.
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
        rows, counts = correlation.distinct_rows(parts if inputs is None else [*parts, inputs])
        if len(rows) < len(activations):
            activations = activations[rows]
            inputs = None if inputs is None else inputs[rows]
            variables = [replace(group, values=group.values[rows]) for group in variables]
    shrink = 1.0 if redundancy == "earlier" else neuron_scores.shrinkage(float(counts.sum()))
    conventions = CONVENTIONS if convention == "both" else (convention,)
    # only scores with signs fire differently under the two conventions
    together = [conventions] if activations.min(initial=0) >= 0 else [(one,) for one in conventions]
    records = []
    for part in together:
        neurons = neuron_scores.describe_neurons(
            activations, counts, active=ACTIVE, signed="corrected" in part
        )
        about = _describe(neurons, part, redundancy, shrink)
        measured = neuron_scores.score_groups(neurons, variables, part, shrink=shrink)
        null = neuron_scores.score_random(neurons, inputs, variables, part, seed, shrink=shrink)
        records += [
            {"convention": one, "group": group.name, "level": group.level}
            | measured[one, group.name]
            | {f"null_{name}": null[one, group.name][name] for name in neuron_scores.MEASURED}
            | about[one]
            for one in part
            for group in variables
        ]
    table = pd.DataFrame(records)
    scores = neuron_scores.MEASURED[:3]
    first = ["convention", "group", "level", *scores, *(f"null_{name}" for name in scores)]
    return table[[*first, *(name for name in table if name not in first)]]


def _describe(
    neurons: neuron_scores.Neurons,
    conventions: Sequence[Convention],
    redundancy: Redundancy,
    shrink: float,
) -> dict[Convention, dict[str, float]]:
    """What a convention says of the neurons themselves."""
    rules = {"published": redundancy, "corrected": "earlier"}
    counted = {
        rule: neuron_scores.count_redundant(neurons, rule, shrink=shrink)
        for rule in dict.fromkeys(rules[one] for one in conventions)
    }
    shared = {"n_live": neurons.n_live, "mean_active": neurons.mean_active}
    return {one: shared | {"n_redundant": counted[rules[one]]} for one in conventions}
