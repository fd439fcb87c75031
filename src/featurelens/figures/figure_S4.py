"""**Figure S4. SAE hyperparameters on the small simulation.** **A** Final training loss, which
includes the L1 term, by number of features. **B** Loss by learning rate at one hidden size.
**C** Best correlation of a single feature with a core program X (mean over programs). **D** The
same for every variable, over all architectures. Dots are single runs, lines means over all other
settings, bars the range of the means of single seeds where the grid has several. Correlations
follow the corrected convention: the size of Pearson's r. As published they keep their sign, and
a mean over the three B, of which some rise and some fall with a feature, says little. As in the
paper, TopK with k = 1 % is left out.
"""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from featurelens.conventions import Convention
from featurelens.figures.parts.curves import draw_curves, side_legend, whole_decades
from featurelens.figures.parts.palette import (
    ARCHITECTURE_COLOURS,
    ARCHITECTURE_LABELS,
    ARCHITECTURE_MARKERS,
    VARIABLE_COLOURS,
    VARIABLE_MARKERS,
)
from featurelens.figures.parts.style import (
    FULL_WIDTH,
    MUTED,
    new_figure,
    not_in_this_run,
    panel_letter,
    styled,
)
from featurelens.sweeps.selection import fully_trained, whole_seeds

INPUTS = {
    "points": "sweeps/{first_simulated_sweep}/points.parquet",
    "recovery": "sweeps/{first_simulated_sweep}/recovery.parquet",
}
TOGETHER = "small_sweep"

LEFT_OUT_K = 1.0
"""TopK points with this k (percent) are not drawn, as in the paper's Figure S4."""

PAPER_FACTOR = 100.0
"""Hidden factor of the paper's panel B."""


@styled
def draw(
    points: pd.DataFrame,
    recovery: pd.DataFrame,
    *,
    convention: Convention = "corrected",
    core: str = "X",
) -> Figure:
    """Draw Figure S4.

    Parameters
    ----------
    points
        Trained points of one sweep: id, status, architecture, expansion, k, learning_rate, seed,
        d_sae and loss.
    recovery
        Recovery of the same points: id, convention, group, best_correlation.
    convention
        Convention of the correlations: corrected takes their size, published the signed value of
        the one that is largest in size.
    core
        Group of variables of panel C.

    Returns
    -------
    Figure
        A: loss by width, B: loss by learning rate at one width, C: best correlation with the core
        variables by width, D: the same by variable over all architectures.
    """
    figure = new_figure(FULL_WIDTH, 5.0)
    axes = figure.subplots(2, 2).ravel()
    kept = drawn_points(points)
    correlations = recovery[recovery["convention"] == convention].merge(kept, on="id")
    _draw_loss(axes[0], kept, "d_sae", "hidden size (features)")
    axes[0].set_title("Loss by hidden size, all learning rates", loc="left")
    _draw_rates(axes[1], kept)
    _draw_core(axes[2], correlations[correlations["group"] == core], core)
    _draw_variables(axes[3], correlations)
    for panel, letter in zip(axes, "ABCD", strict=True):
        panel_letter(panel, letter, x=-0.12)
    figure.supxlabel(
        "dots: single runs; lines: mean over settings; bars: range of the means of single seeds",
        fontsize=6.5,
        color=MUTED,
    )
    return figure


def drawn_points(points: pd.DataFrame) -> pd.DataFrame:
    """Finished points, fully trained, without the TopK points of the smallest k."""
    points = whole_seeds(fully_trained(points))
    sparse = (points["architecture"] == "topk") & (points["k"] == LEFT_OUT_K)
    return points[(points["status"] == "ok") & ~sparse]


def rate_factor(points: pd.DataFrame) -> float | None:
    """Expansion of panel B: the paper's, or the nearest one trained with several learning rates."""
    rates = points.groupby("expansion")["learning_rate"].nunique()
    candidates = rates.index[rates > 1]
    if candidates.empty:
        return None
    return float(min(candidates, key=lambda factor: (abs(factor - PAPER_FACTOR), factor)))


def _draw_loss(axes: Axes, points: pd.DataFrame, x: str, label: str) -> None:
    if points.empty:
        not_in_this_run(axes, "no finished SAE")
        return
    axes.set_yscale("log")
    axes.set_ylim(*whole_decades(points["loss"]))
    _draw_architectures(axes, points, x, "loss")
    axes.set_xlabel(label)
    axes.set_ylabel("final training loss (with L1 term)")


def _draw_rates(axes: Axes, points: pd.DataFrame) -> None:
    factor = rate_factor(points) if len(points) else None
    if factor is None:
        axes.set_title("Loss by learning rate", loc="left")
        not_in_this_run(axes, "only one learning rate")
        return
    at_factor = points[points["expansion"] == factor]
    width = int(at_factor["d_sae"].iloc[0])
    axes.set_title(f"Loss by learning rate, {width:,} features", loc="left")
    _draw_loss(axes, at_factor, "learning_rate", "learning rate")


def _draw_core(axes: Axes, correlations: pd.DataFrame, core: str) -> None:
    axes.set_title(f"Best correlation with {core}", loc="left")
    if correlations.empty:
        not_in_this_run(axes, f"no correlation with {core}")
        return
    _draw_architectures(axes, correlations, "d_sae", "best_correlation")
    axes.set_xlabel("hidden size (features)")
    axes.set_ylabel("mean of best $|r|$")


def _draw_architectures(axes: Axes, points: pd.DataFrame, x: str, y: str) -> None:
    draw_curves(
        axes, points, x=x, y=y, hue="architecture", colours=ARCHITECTURE_COLOURS,
        markers=ARCHITECTURE_MARKERS,
    )  # fmt: skip
    side_legend(
        axes, ARCHITECTURE_COLOURS, ARCHITECTURE_MARKERS, set(points["architecture"]),
        labels=ARCHITECTURE_LABELS,
    )  # fmt: skip


def _draw_variables(axes: Axes, correlations: pd.DataFrame) -> None:
    axes.set_title("Best correlation by variable, all architectures", loc="left")
    if correlations.empty:
        not_in_this_run(axes, "no correlation")
        return
    draw_curves(
        axes, correlations, x="d_sae", y="best_correlation", hue="group",
        colours=VARIABLE_COLOURS, markers=VARIABLE_MARKERS,
    )  # fmt: skip
    side_legend(axes, VARIABLE_COLOURS, VARIABLE_MARKERS, set(correlations["group"]))
    axes.set_xlabel("hidden size (features)")
    axes.set_ylabel("mean of best $|r|$")
