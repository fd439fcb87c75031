"""Features that follow a trajectory, ranked by rule where the author chose by eye.

Of 44 features that pass his filters the author chose one from heat maps and from where each moves
the cells (appendix A.3.2). Here they are ranked by what he looked at: activation at the end, rank
correlation with the order of stages, and how far cells of the start move towards the end when the
feature is set to its mean there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from featurelens.features.config import TrajectoryConfig
from featurelens.features.trajectory import TypeMeans, filters_of, roles_of, type_means
from featurelens.io import InputError
from featurelens.stats.ranks import rank_rows

if TYPE_CHECKING:
    import anndata

AT_ONCE = 256
"""Features whose activations are ranked at a time."""


def rank_candidates(features: anndata.AnnData, trajectory: TrajectoryConfig) -> pd.DataFrame:
    """Features that pass all filters, the one that follows the trajectory best first.

    Where no feature passes them all, those that pass the first two stand in their place, or else
    all live ones; ``rule`` says so.

    Parameters
    ----------
    features
        Of :func:`featurelens.features.describe.describe_features`; displacement needs its
        ``varm['directions']`` and is NaN, and not ranked by, without.
    trajectory
        Stages and contrast.

    Returns
    -------
    DataFrame
        One row a candidate: rank, feature (its name), start and end (types), mean_start and
        mean_end; stage_correlation (Spearman's, over the cells of all stages); displacement (share
        of the way between the centroids of start and end that cells of the start move when the
        feature is set to mean_end: its decoder is linear); rank_mean_end, rank_stage_correlation,
        rank_displacement (1 is best, ties share the lower); mean_rank, by which they are ordered,
        ties by activation at the end; rule; why, in a sentence.

    Raises
    ------
    InputError
        As :func:`featurelens.features.trajectory.count_filters`, and if no feature is live.
    """
    table, roles = type_means(features), roles_of(features, trajectory)
    live = (features.var["n_active"] > 0).to_numpy()
    rule, chosen = _pool(filters_of(table, roles, live))
    start, end = roles.stages[0], roles.stages[-1]
    scores = {
        "mean_end": table.means[chosen, end],
        "stage_correlation": _stage_correlation(features, roles.stages, chosen),
        "displacement": _displacement(features, table, start, end, chosen),
    }
    ranks = {
        f"rank_{name}": pd.Series(values).rank(ascending=False, method="min", na_option="bottom")
        for name, values in scores.items()
        if not np.isnan(values).all()
    }
    ranked = pd.DataFrame(
        {
            "feature": features.var_names[chosen],
            "start": trajectory.stages[0],
            "end": trajectory.stages[-1],
            "mean_start": table.means[chosen, start],
            **scores,
            **{name: rank.astype(int) for name, rank in ranks.items()},
            "mean_rank": np.mean(list(ranks.values()), axis=0),
            "rule": rule,
        }
    )
    order = np.lexsort((-ranked["mean_end"].to_numpy(), ranked["mean_rank"].to_numpy()))
    ranked = ranked.iloc[order].reset_index(drop=True)
    ranked.insert(0, "rank", np.arange(1, len(ranked) + 1))
    return ranked.assign(why=[_why(row, len(ranked)) for row in ranked.to_dict("records")])


def _pool(filters: dict[str, NDArray[np.bool_]]) -> tuple[str, NDArray[np.int64]]:
    """The strictest step that some feature passes, in words, and the features."""
    rules = {
        "increasing": "passes all three filters",
        "above_both": "passes the first two filters, as none passes all three",
        "live": "is live, as none passes the filters",
    }
    for step, rule in rules.items():
        if filters[step].any():
            return rule, np.flatnonzero(filters[step])
    raise InputError("no feature is active in any cell; train the SAE longer or with a lower l1")


def _stage_correlation(
    features: anndata.AnnData, stages: NDArray[np.int64], chosen: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Spearman's correlation of activation with the number of the stage, over cells of stages."""
    names = [str(features.uns["cell_types"][place]) for place in stages]
    stage = pd.Categorical(features.obs["cell_type"].astype(str), names).codes
    rows = np.flatnonzero(stage >= 0)
    order = _centred(rank_rows(stage[None, rows].astype(float))[0])[0]
    activations = features.X[rows]
    found = []
    for first in range(0, len(chosen), AT_ONCE):
        block = activations[:, chosen[first : first + AT_ONCE]].T.toarray()
        found.append(_centred(rank_rows(block)[0]) @ order)
    return np.concatenate(found)


def _centred(ranks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows less their mean, of length one; NaN where nothing varies."""
    ranks = ranks - ranks.mean(axis=1, keepdims=True)
    length = np.linalg.norm(ranks, axis=1, keepdims=True)
    return np.divide(ranks, length, out=np.full(ranks.shape, np.nan), where=length > 0)


def _displacement(
    features: anndata.AnnData,
    table: TypeMeans,
    start: int,
    end: int,
    chosen: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Share of the way from start to end that steered cells of the start move, on average."""
    if "directions" not in features.varm:
        return np.full(len(chosen), np.nan)
    embedding = np.asarray(features.obsm["X_emb"], dtype=np.float64)
    labels = features.obs["cell_type"].astype(str).to_numpy()
    centroids = [
        embedding[labels == str(features.uns["cell_types"][place])].mean(axis=0)
        for place in (start, end)
    ]
    way = centroids[1] - centroids[0]
    directions = np.asarray(features.varm["directions"], dtype=np.float64)[chosen]
    rise = table.means[chosen, end] - table.means[chosen, start]
    return rise * (directions @ way) / (way @ way)


def _why(row: dict, n_candidates: int) -> str:
    """Why a candidate stands where it does."""
    parts = [
        f"{ordinal(row['rank_mean_end'])} by activation in {row['end']} ({row['mean_end']:.2g})"
    ]
    if "rank_stage_correlation" in row:
        parts.append(
            f"{ordinal(row['rank_stage_correlation'])} by rank correlation with the stages "
            f"({row['stage_correlation']:.2f})"
        )
    if "rank_displacement" in row:
        parts.append(
            f"{ordinal(row['rank_displacement'])} by how far it moves {row['start']} towards "
            f"{row['end']} ({100 * row['displacement']:.0f} % of the way)"
        )
    return f"{row['rule']}; among the {n_candidates} that do it is {', '.join(parts)}"


def ordinal(number: int) -> str:
    """A rank in words.

    Examples
    --------
    >>> [ordinal(number) for number in (1, 2, 3, 4, 11, 22)]
    ['1st', '2nd', '3rd', '4th', '11th', '22nd']
    """
    last = 0 if number // 10 % 10 == 1 else number % 10
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(last, 'th') }"
