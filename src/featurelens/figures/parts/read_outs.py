"""What Figures 1C and S2 draw of the read-outs of embeddings: points, their spread, the ceiling."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D

from featurelens.conventions import CONVENTIONS, Convention
from featurelens.figures.parts.palette import FALLBACK_COLOUR, VARIABLE_COLOURS, VARIABLE_MARKERS

if TYPE_CHECKING:
    from matplotlib.axes import Axes


SCORE: dict[Convention, str] = {"published": "score", "corrected": "rescaled"}
"""Column of the score that a convention reports."""

LOSS: dict[Convention, str] = {
    "published": "last_validation_loss",
    "corrected": "best_validation_loss",
}
"""Column of the validation loss that belongs to it."""

SCORE_LABELS: dict[Convention, str] = {
    "published": "$R^2$ of the linear read-out",
    "corrected": "held-out score, 0 = chance, 1 = perfect",
}

ARCHITECTURE = ("simulation", "latent", "depth", "width")
"""What autoencoders that differ in their seed alone have in common."""

_SUMMARY = ("score", "score_low", "score_high", "loss", "loss_low", "loss_high", "n_seeds")


def recovery_points(superposition: pd.DataFrame) -> pd.DataFrame:
    """One row per convention, autoencoder and group: mean score and validation loss.

    Parameters
    ----------
    superposition
        ``tables/superposition.tsv``.

    Returns
    -------
    DataFrame
        Columns convention, simulation, latent, depth, width, training, autoencoder, group, score
        and loss. The score is the plain one under the published convention and the rescaled one
        under the corrected; variables without a score (constant ones) do not count. Where a
        simulation has autoencoders of both trainings, each convention has those of its own.
    """
    keys = ["convention", *ARCHITECTURE, "training", "autoencoder", "group"]
    frames = []
    for convention in CONVENTIONS:
        rows = superposition[superposition["convention"] == convention]
        rows = rows[_has_training(rows, convention)]
        means = rows.groupby(keys, sort=False)[[SCORE[convention], LOSS[convention]]].mean()
        frames.append(means.set_axis(["score", "loss"], axis=1).reset_index())
    return pd.concat(frames, ignore_index=True).dropna(subset=["score", "loss"])


def architecture_points(points: pd.DataFrame) -> pd.DataFrame:
    """Mean and range over seeds of :func:`recovery_points`, one row per architecture and group.

    Returns
    -------
    DataFrame
        Columns convention, simulation, latent, depth, width, group, score (mean), score_low,
        score_high, loss (geometric mean, the mean on a logarithmic axis), loss_low, loss_high and
        n_seeds.
    """
    keys = ["convention", *ARCHITECTURE, "group"]
    of = points.assign(log_loss=np.log(points["loss"])).groupby(keys, sort=False)
    summary = pd.DataFrame(
        {
            "score": of["score"].mean(),
            "score_low": of["score"].min(),
            "score_high": of["score"].max(),
            "loss": np.exp(of["log_loss"].mean()),
            "loss_low": of["loss"].min(),
            "loss_high": of["loss"].max(),
            "n_seeds": of.size(),
        },
        columns=list(_SUMMARY),
    )
    return summary.reset_index()


def ceiling_points(ceiling: pd.DataFrame) -> pd.DataFrame:
    """Mean ceiling of every group of variables, one row per convention, simulation and source.

    Parameters
    ----------
    ceiling
        ``tables/ceiling.tsv``: the scores of superposition, read from Y itself or from X'' and A.

    Returns
    -------
    DataFrame
        Columns convention, simulation, source, group and score.
    """
    keys = ["convention", "simulation", "source", "group"]
    frames = [
        ceiling[ceiling["convention"] == convention]
        .groupby(keys, sort=False)[SCORE[convention]]
        .mean()
        .rename("score")
        .reset_index()
        for convention in CONVENTIONS
    ]
    return pd.concat(frames, ignore_index=True).dropna(subset=["score"])


def draw_seed_bars(axes: Axes, points: pd.DataFrame, colour: str) -> None:
    """Bars from the lowest to the highest seed of an architecture, in its score and its loss."""
    several = points[points["n_seeds"] > 1]
    if several.empty:
        return
    ends = {
        name: np.array([several[of] - several[f"{of}_low"], several[f"{of}_high"] - several[of]])
        for name, of in (("xerr", "score"), ("yerr", "loss"))
    }
    axes.errorbar(
        several["score"], several["loss"], **{name: np.maximum(x, 0) for name, x in ends.items()},
        ls="", elinewidth=0.7, color=colour, zorder=2,
    )  # fmt: skip


def draw_group_key(axes: Axes, groups: Collection[str]) -> None:
    """A legend of groups of variables in a panel of its own."""
    axes.axis("off")
    handles = [
        Line2D(
            [],
            [],
            ls="",
            marker=VARIABLE_MARKERS.get(group, "o"),
            ms=9 if VARIABLE_MARKERS.get(group) == "*" else 6.5,
            color=VARIABLE_COLOURS.get(group, FALLBACK_COLOUR),
            markeredgecolor="white",
            markeredgewidth=0.5,
            label=group,
        )
        for group in groups
    ]
    if handles:
        axes.legend(handles=handles, loc="upper left", title="variable", alignment="left")


def ordered_groups(groups: Collection[str]) -> list[str]:
    """The paper's order first, anything else behind it."""
    known = [group for group in VARIABLE_COLOURS if group in set(groups)]
    return known + sorted(set(groups) - set(known))


def _has_training(rows: pd.DataFrame, convention: Convention) -> pd.Series:
    """Rows of the convention's own training, and all of simulations that lack it."""
    own = rows["training"] == convention
    return own | ~own.groupby(rows["simulation"]).transform("any")
