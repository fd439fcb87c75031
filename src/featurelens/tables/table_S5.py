"""**Table S5.** Best correlation of a single feature or component with each kind of variable.
SAEs: mean and standard error over hidden sizes; baselines are single models. ``best_correlation``
is the mean over the variables of a kind, ``max_correlation`` the best of them, which the paper
prints. Published baselines are the author's: as many components as asked for, of which k variables
meet the first k, A and B the first alone; what his ICA finds depends on the libraries. Corrected
ones are as many as the rank, all of which meet every variable. ``random`` are as many random
directions that fire as often, ``sae_frozen`` SAEs of which only the encoder was trained,
``sae_untrained`` SAEs with their initial weights.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from featurelens.sweeps.selection import by_architecture, fully_trained
from featurelens.tables.stacked import stack_named

INPUTS = {
    "points": "sweeps/{simulated_sweeps}/points.parquet?",
    "recovery": "sweeps/{simulated_sweeps}/recovery.parquet?",
    "baselines": "baselines/{simulated_sweeps.source}/recovery.tsv?",
}
NEEDS = ("sweeps",)
TOGETHER = "sweeps"
PAPER_BASELINES = ("pca", "ica", "svd")
"""Decompositions that the paper compares its SAEs with."""
PARTLY_TRAINED = {"encoder": "sae_frozen", "nothing": "sae_untrained"}
"""Methods by the part of an SAE that was trained."""
_MEASURES = ("best_correlation", "max_correlation")


def tabulate(
    points: Mapping[str, pd.DataFrame],
    recovery: Mapping[str, pd.DataFrame],
    baselines: Mapping[str, pd.DataFrame],
) -> pd.DataFrame:
    """:func:`best_correlations` of all sweeps over simulations, after sweep; position is last."""
    correlations = {
        name: best_correlations(points[name], recovery[name], baselines[name]) for name in recovery
    }
    return stack_named(correlations, "sweep")


def best_correlations(
    points: pd.DataFrame, recovery: pd.DataFrame, baselines: pd.DataFrame
) -> pd.DataFrame:
    """Table S5: best correlation of a single feature with each group of variables, by method.

    As in the paper, the mean over the widths of the SAE stands with its standard error
    (author's ``figure_3_sim_table.py``); a baseline is one model and has none.

    Returns
    -------
    DataFrame
        convention, group, method, n_models, best_correlation (mean over the group's variables),
        best_sem, max_correlation (the best variable, the number that the paper prints), max_sem.
        Methods are ``sae`` (all architectures), ``sae_<architecture>``, ``random`` (as many
        random directions that fire as often as the features of these SAEs), ``sae_frozen`` (only
        the encoder was trained), ``sae_untrained``, each baseline, and ``best_baseline`` (the
        highest of the paper's three: PCA, ICA and SVD).
    """
    joined = recovery.merge(points[["id", "architecture", "expansion", "trained"]], on="id")
    trained = fully_trained(joined)
    frames = [_over_widths(trained, "sae")]
    for architecture, rows in by_architecture(trained):
        frames.append(_over_widths(rows, f"sae_{architecture}"))
    random = trained.assign(**{name: trained[f"null_{name}"] for name in _MEASURES})
    frames.append(_over_widths(random, "random"))
    for part, method in PARTLY_TRAINED.items():
        if (joined["trained"] == part).any():
            frames.append(_over_widths(joined[joined["trained"] == part], method))
    if len(baselines):
        measured = baselines[["convention", "group", "method", *_MEASURES]]
        paper = measured[measured["method"].isin(PAPER_BASELINES)]
        best = paper.groupby(["convention", "group"], sort=False)[list(_MEASURES)].max()
        best = best.reset_index().assign(method="best_baseline")
        frames.append(pd.concat([measured, best]).assign(n_models=1))
    table = pd.concat(frames, ignore_index=True)
    columns = ["best_correlation", "best_sem", "max_correlation", "max_sem"]
    return table[["convention", "group", "method", "n_models", *columns]]


def _over_widths(rows: pd.DataFrame, method: str) -> pd.DataFrame:
    """Mean and standard error over widths of the mean over all other settings."""
    keys = ["convention", "group"]
    widths = rows.groupby([*keys, "expansion"], sort=False)[list(_MEASURES)].mean()
    over = widths.groupby(level=keys, sort=False)
    table = over.mean().join(
        over.sem().set_axis(["best_sem", "max_sem"], axis=1),
    )
    table["n_models"] = rows.groupby(keys, sort=False)["id"].nunique()
    return table.reset_index().assign(method=method)
