"""**Controls.** A trained SAE, once for each seed, beside sources of features that are no trained
SAE, through the same annotation. Filled under the corrected convention, open under the published
one (the filter of the paper's figures). **A** Share of live features with at least one gene set,
with Wilson's 95 % intervals; grey bars mark the share under permuted cells, the bands two
standard deviations. Where the corrected convention has too few cells to test a feature, it
counts as not annotated. **B** Terms per annotated feature, mean and standard error. **C**
Specificity for cell types (Yanai's tau: 0 active in all alike, 1 in a single one), mean and
standard error over live features. **D** Features are matched one to one by the correlation of
their activations, runs of the SAE with one another, controls with the SAE; shown is the Jaccard
index of the matched features' terms, and in grey the same with partners exchanged.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from featurelens.features.sources import CONTROL_LABELS, SAE_CONTROLS
from featurelens.figures.parts.palette import distinct_colours
from featurelens.figures.parts.style import (
    BACKGROUND,
    FULL_WIDTH,
    MUTED,
    new_figure,
    not_in_this_run,
    panel_letter,
    styled,
)

INPUTS = {"controls": "tables/controls.tsv"}
TOGETHER = "controls"

LABELS = {"sae": "SAE", **CONTROL_LABELS}
"""Kinds of sources in the order of the figure."""

_TRAINED, _SAE_CONTROL, _CELL_CONTROL = distinct_colours(3)
_COLOURS = {"sae": _TRAINED} | {
    kind: _SAE_CONTROL if kind in SAE_CONTROLS else _CELL_CONTROL for kind in CONTROL_LABELS
}
_STYLES = {"kept_fdr": "corrected", "kept_published_figures": "published"}
_SHIFT = {"kept_fdr": -0.2, "kept_published_figures": 0.2}


@styled
def draw(controls: pd.DataFrame) -> Figure:
    """Draw the figure of controls.

    Parameters
    ----------
    controls
        ``tables/controls.tsv`` (:func:`featurelens.tables.controls.control_tables`); the first
        embedding and collection are shown, of its SAEs the first.

    Returns
    -------
    Figure
        One line a source. A: share of live features annotated, B: terms per annotated feature,
        C: specificity for cell types, D: agreement with the SAE.
    """
    shown = _one_sae(controls)
    kinds = [kind for kind in LABELS if (shown["kind"] == kind).any()] if len(shown) else []
    figure = new_figure(FULL_WIDTH, 1.5 + 0.36 * max(len(kinds), 3))
    axes = figure.subplots(1, 4, sharey=True)
    draws: tuple[tuple[str, Callable[[Axes, float, pd.DataFrame], None]], ...] = (
        ("Share annotated", _draw_share),
        ("Terms per feature", _draw_terms),
        ("Cell-type specificity", _draw_specificity),
        ("Agreement with SAE", _draw_agreement),
    )
    for panel, letter, (title, draw) in zip(axes, "ABCD", draws, strict=True):
        panel.set_title(title, loc="left")
        panel_letter(panel, letter, x=-0.02)
        if not kinds:
            not_in_this_run(panel, "no controls")
            continue
        for place, kind in enumerate(kinds):
            draw(panel, place, shown[shown["kind"] == kind])
        panel.grid(axis="x", color=BACKGROUND, lw=0.5)
        panel.tick_params(axis="y", length=0)
    if kinds:
        axes[0].set_yticks(range(len(kinds)), [LABELS[kind] for kind in kinds])
        axes[0].set_ylim(len(kinds) - 0.4, -0.6)
        _label_axes(axes)
        _add_legend(figure)
    return figure


def _one_sae(controls: pd.DataFrame) -> pd.DataFrame:
    """Rows of the first embedding and collection: first SAE, its repeats and all its controls."""
    if not len(controls):
        return controls
    first = controls.iloc[0]
    place = (controls["embedding"] == first["embedding"]) & (
        controls["collection"] == first["collection"]
    )
    repeat = (controls["kind"] == "sae") & (controls["family"] == first["family"])
    control = controls["sae"].isna() | (controls["sae"] == first["sae"])
    return controls[place & (repeat | ((controls["kind"] != "sae") & control))]


def _draw_share(axes: Axes, place: float, rows: pd.DataFrame) -> None:
    for kept, style in _STYLES.items():
        of_filter = rows[rows["filter"] == kept]
        for shift, (_, row) in zip(_spread(len(of_filter)), of_filter.iterrows(), strict=True):
            y = place + _SHIFT[kept] + shift
            _null(axes, y, row["share_complete"], row["sd_complete"])
            axes.plot([row["share_low"], row["share_high"]], [y, y], lw=0.9, color=_of(row))
            _point(axes, row["share"], y, _of(row), filled=style == "corrected")


def _draw_terms(axes: Axes, place: float, rows: pd.DataFrame) -> None:
    for kept, style in _STYLES.items():
        of_filter = rows[rows["filter"] == kept]
        for shift, (_, row) in zip(_spread(len(of_filter)), of_filter.iterrows(), strict=True):
            y = place + _SHIFT[kept] + shift
            _mean(axes, y, row, "terms_per_feature_mean", "terms_per_feature_sem", style)


def _draw_specificity(axes: Axes, place: float, rows: pd.DataFrame) -> None:
    once = rows[rows["filter"] == "kept_fdr"]
    for shift, (_, row) in zip(_spread(len(once)), once.iterrows(), strict=True):
        _mean(axes, place + shift, row, "type_specificity", "type_specificity_sem", "corrected")


def _draw_agreement(axes: Axes, place: float, rows: pd.DataFrame) -> None:
    """Repeats of the SAE agree with one another, controls with the SAE."""
    for kept, style in _STYLES.items():
        of_filter = rows[rows["filter"] == kept]
        for shift, (_, row) in zip(_spread(len(of_filter)), of_filter.iterrows(), strict=True):
            name = "stability" if row["kind"] == "sae" else "agreement"
            y = place + _SHIFT[kept] + shift
            _null(axes, y, row[f"{name}_chance"], row[f"{name}_chance_sd"])
            if not np.isnan(row[name]):
                _point(axes, row[name], y, _of(row), filled=style == "corrected")


def _mean(axes: Axes, y: float, row: pd.Series, mean: str, error: str, style: str) -> None:
    half = np.nan_to_num(row[error])
    axes.plot([row[mean] - half, row[mean] + half], [y, y], lw=0.9, color=_of(row))
    _point(axes, row[mean], y, _of(row), filled=style == "corrected")


def _point(axes: Axes, x: float, y: float, colour: str, *, filled: bool) -> None:
    face = colour if filled else "white"
    axes.plot([x], [y], "o", ms=4, mfc=face, mec=colour, mew=0.9, zorder=3)


def _null(axes: Axes, y: float, mean: float, sd: float) -> None:
    """Mean of a null as a short upright bar, two deviations to either side as a pale band."""
    if np.isnan(mean):
        return
    half = 2 * np.nan_to_num(sd)
    axes.plot(
        [max(mean - half, 0), min(mean + half, 1)], [y, y], lw=3.2, color=BACKGROUND, zorder=1,
        solid_capstyle="butt",
    )  # fmt: skip
    axes.plot([mean, mean], [y - 0.08, y + 0.08], lw=1.2, color=MUTED, zorder=2)


def _spread(count: int) -> np.ndarray:
    """Small shifts that keep repeats apart."""
    return np.linspace(-0.13, 0.13, count) if count > 1 else np.zeros(count)


def _of(row: pd.Series) -> str:
    return _COLOURS[row["kind"]]


def _label_axes(axes: np.ndarray) -> None:
    names = (
        "of live features",
        "mean, annotated features",
        "mean tau of live features",
        "Jaccard of terms",
    )
    for panel, name in zip(axes, names, strict=True):
        panel.set_xlabel(name)
    for panel in (axes[0], axes[2], axes[3]):
        panel.set_xlim(-0.03, 1.03)
        panel.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    axes[1].set_xlim(left=0)
    axes[1].xaxis.set_major_locator(MaxNLocator(4, integer=True))


def _add_legend(figure: Figure) -> None:
    handles = [
        Line2D([], [], ls="", marker="o", color=_TRAINED, label="trained SAE, by seed"),
        Line2D([], [], ls="", marker="o", color=_SAE_CONTROL, label="control of the SAE"),
        Line2D([], [], ls="", marker="o", color=_CELL_CONTROL, label="control of the cells"),
        Line2D([], [], ls="", marker="o", mfc="black", mec="black", label="corrected"),
        Line2D([], [], ls="", marker="o", mfc="white", mec="black", label="published"),
        Line2D([], [], ls="", marker="|", ms=7, mew=1.2, color=MUTED, label="null or chance"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=6, columnspacing=1.2)
