"""**Figure S29. Gene sets per feature and features per gene set.** **A** Share of the annotated
features that carry at least so many gene sets; the legend gives the mean with its standard error
over features, and the published one, which divides by the root of the number of gene sets. **B**
Gene sets in order of the share of annotated features that carry them. Left, the published filter;
right, the corrected one, where only gene sets that a feature's high cells have more of count; the
last number of its legend is the mean over all gene sets and annotated features, as in
annotation.tsv.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from featurelens.figures.parts.concept_panels import (
    FILTER_TITLES,
    mark_counts,
    mark_shares,
    short_names,
)
from featurelens.figures.parts.palette import distinct_colours
from featurelens.figures.parts.style import (
    FULL_WIDTH,
    new_figure,
    not_in_this_run,
    panel_letter,
    styled,
)

INPUTS = {
    "sizes": "tables/concept_sizes.tsv",
    "per_feature": "tables/terms_per_feature.tsv",
    "frequencies": "tables/concept_frequency.tsv",
}
PARAMS = {"names": "{first_annotated}"}
TOGETHER = "concepts"


@styled
def draw(
    sizes: pd.DataFrame,
    per_feature: pd.DataFrame,
    frequencies: pd.DataFrame,
    names: Sequence[str],
    *,
    filters: Sequence[str] = ("kept_published_05", "kept_fdr"),
) -> Figure:
    """Draw Figure S29.

    Parameters
    ----------
    sizes
        ``tables/concept_sizes.tsv``: features of each number of terms.
    per_feature
        ``tables/terms_per_feature.tsv``: the means of those, with two standard errors.
    frequencies
        ``tables/concept_frequency.tsv``: features of each term.
    names
        SAEs that are shown.
    filters
        Filters of the enrichment, one column each.

    Returns
    -------
    Figure
        A: share of annotated features with at least so many terms. B: terms by the share of
        features that carry them, the most frequent first. One line an SAE.
    """
    figure = new_figure(FULL_WIDTH, 4.8)
    panels = figure.subplots(2, len(filters), squeeze=False, sharey="row")
    panel_letter(panels[0, 0], "A", x=-0.12)
    panel_letter(panels[1, 0], "B", x=-0.12)
    for column, kept in zip(panels.T, filters, strict=True):
        chosen = [table[table["filter"] == kept] for table in (sizes, per_feature, frequencies)]
        _draw_sizes(column[0], chosen[0], chosen[1], names)
        _draw_ranks(column[1], chosen[2], names)
        column[0].set_title(FILTER_TITLES[kept])
    panels[0, 0].set_ylabel("features with at least\nso many terms")
    panels[1, 0].set_ylabel("features that\ncarry the term")
    return figure


def at_least(sizes: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of terms, ascending, and the share of features that have at least as many."""
    ordered = sizes.sort_values("n_terms")
    counts = ordered["n_features"].to_numpy(dtype=float)
    return ordered["n_terms"].to_numpy(), counts[::-1].cumsum()[::-1] / counts.sum()


def _draw_sizes(
    axes: Axes, sizes: pd.DataFrame, per_feature: pd.DataFrame, names: Sequence[str]
) -> None:
    lines = 0
    titles = short_names(names)
    for name, colour in zip(names, distinct_colours(len(names)), strict=True):
        own = sizes[sizes["sae"] == name]
        if not len(own):
            continue
        row = per_feature[per_feature["sae"] == name].iloc[0]
        mean = f"{row['mean']:.3g} ± {row['sem']:.2g} (published ± {row['sem_published']:.2g})"
        label = f"{titles[name]}: {mean}{_of_all(row)}"
        lines += 1 + label.count("\n")
        axes.step(*at_least(own), where="pre", color=colour, label=label)
    if not lines:
        not_in_this_run(axes, "no annotated feature")
        return
    _count(axes, "terms of a feature")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g} %"))
    axes.set_ylim(0, 1.2 + 0.13 * max(lines, len(names)))
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1])
    axes.legend(loc="upper right", title="mean and standard error", fontsize=6.5)


def _of_all(row: pd.Series) -> str:
    """The mean where terms of any direction count, if that is another one."""
    if row["n_features_any"] == row["n_features"] and row["mean_any"] == row["mean"]:
        return ""
    return f";\n{row['mean_any']:.3g} with those that fall"


def _draw_ranks(axes: Axes, frequencies: pd.DataFrame, names: Sequence[str]) -> None:
    drawn = False
    for name, colour in zip(names, distinct_colours(len(names)), strict=True):
        terms = frequencies[(frequencies["sae"] == name) & (frequencies["level"] == "term")]
        if not len(terms):
            continue
        drawn = True
        terms = terms.sort_values("rank")
        axes.plot(terms["rank"], terms["share"], color=colour)
    if not drawn:
        not_in_this_run(axes, "no annotated feature")
        return
    axes.set_yscale("log")
    mark_shares(axes.yaxis)
    _count(axes, "rank of the term")


def _count(axes: Axes, label: str) -> None:
    axes.set_xscale("log")
    mark_counts(axes.xaxis)
    axes.set_xlabel(label)
    axes.grid(axis="y", color="#eeeeee", lw=0.6)
