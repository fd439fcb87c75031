"""**Preranked GSEA** of a feature of {{ snakemake.wildcards.dataset }}/{{ snakemake.wildcards.model
}}. All genes are ranked by the score at the foot, between the high and the low cells of the
feature. A panel is a gene set: its running sum over the ranking, ticks at its genes, the leading
edge shaded and named below. First row: the sets of the highest normalised scores (NES), second
row: of the lowest. p and FDR are those of gseapy and come from random sets of genes, which
ignores that genes move together; what is declared about a feature stands in its table of terms.
The title names the cell type that holds most of the feature's activation, with its share, where
there is one.
"""

import textwrap
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from featurelens.features import lists
from featurelens.features.main_type import describe_type
from featurelens.figures.parts.style import (
    FULL_WIDTH,
    MUTED,
    new_figure,
    not_in_this_run,
    styled,
)

INPUTS = {
    "results": "gsea/{dataset}/{model}/{sae}/{collection}/gsea.tsv",
    "running": "gsea/{dataset}/{model}/{sae}/{collection}/running.parquet",
    "table": "tables/features/{dataset}/{model}/{sae}/{collection}.tsv",
}
PARAMS = {"ranked_by": "{ranked_by}"}

UP_COLOUR = "#d55e00"
DOWN_COLOUR = "#4477aa"
_MOST_LEADING = 6
_PANEL_WIDTH = 38
_CAPITALS_WIDTH = 31
"""Letters in a line of a panel's title."""

SCORE_NAMES = {"t": "Welch's t", "log2_fold": "log2 fold change"}


def draw(
    results: pd.DataFrame, running: pd.DataFrame, table: pd.DataFrame, *, ranked_by: str
) -> dict[str, Figure]:
    """Draw the features of the results, by ``feature_<number>``.

    Parameters
    ----------
    results, running
        Of :func:`featurelens.enrichment.gsea.run_gsea`.
    table
        Of annotated features, for the titles.
    ranked_by
        What genes are ranked by.
    """
    known = table.set_index(table["feature"].astype(str))
    figures = {}
    for feature in dict.fromkeys(results["feature"].astype(str)):
        row = known.loc[feature]
        title = f"{row['type']}, {describe_type(row)}"
        figures[f"feature_{feature}"] = draw_feature(
            results, running, feature, title=title, ranked_by=ranked_by
        )
    return figures


@styled
def draw_feature(
    results: pd.DataFrame,
    running: pd.DataFrame,
    feature: str,
    *,
    title: str = "",
    ranked_by: str = "t",
) -> Figure:
    """Draw the running sums of one feature.

    Parameters
    ----------
    results, running
        Of :func:`featurelens.enrichment.gsea.run_gsea`.
    feature
        Which feature of these tables.
    title
        What else is known of the feature.
    ranked_by
        What genes are ranked by.

    Returns
    -------
    Figure
        One panel per drawn term: the running sum over all genes from high to low, ticks at the
        genes of the set, its leading edge shaded; below, the scores that genes are ranked by.
        Terms that gather at the top stand in the first row, those at the bottom in the second.
    """
    own = results[results["feature"].astype(str) == feature]
    scores = {str(row["term"]): row for _, row in own.iterrows()}
    curves = running[running["feature"].astype(str) == feature]
    terms = list(dict.fromkeys(curves["term"].astype(str)))
    rows = [
        [term for term in terms if scores[term]["nes"] > 0],
        [term for term in terms if scores[term]["nes"] <= 0],
    ]
    rows = [row for row in rows if row]
    columns = max((len(row) for row in rows), default=1)
    figure = new_figure(FULL_WIDTH, 0.45 + 2.35 * max(len(rows), 1) + 1.0)
    figure.suptitle(f"Feature {feature}{title and ': ' + title}", fontsize=9)
    halves: Any = figure.subfigures(2, 1, height_ratios=[2.35 * max(len(rows), 1), 1.0])
    upper, lower = halves
    panels = np.atleast_2d(upper.subplots(max(len(rows), 1), columns, squeeze=False))
    if not rows:
        not_in_this_run(panels[0, 0], "no gene set has a score")
        return figure
    for axes_row, row in zip(panels, rows, strict=True):
        for axes, term in zip(axes_row, row, strict=False):
            curve = curves[curves["term"].astype(str) == term]
            _draw_term(axes, curve, term, scores[term])
        for axes in axes_row[len(row) :]:
            axes.axis("off")
        axes_row[0].set_ylabel("running sum")
    _draw_scores(lower.subplots(), curves[curves["term"].astype(str) == terms[0]], ranked_by)
    return figure


def _draw_term(axes: Axes, curve: pd.DataFrame, term: str, result: pd.Series) -> None:
    """Running sum with its peak, the set's genes below it, and what stands behind the title."""
    colour = UP_COLOUR if result["nes"] > 0 else DOWN_COLOUR
    position, running = curve["position"].to_numpy(), curve["running"].to_numpy()
    hits = position[curve["hit"].to_numpy(dtype=bool)]
    peak = int(np.abs(running).argmax())
    edge = (-0.5, peak + 0.5) if result["nes"] > 0 else (peak - 0.5, len(position) - 0.5)
    axes.axvspan(*edge, color=colour, alpha=0.1, lw=0)
    axes.axhline(0, color=MUTED, lw=0.6)
    axes.plot(position, running, color=colour)
    axes.plot(position[peak], running[peak], "o", color=colour, ms=3)
    low, high = min(0.0, running.min()), max(0.0, running.max())
    tick = 0.12 * (high - low)
    axes.vlines(hits, low - 1.7 * tick, low - 0.7 * tick, color="black", lw=0.5)
    axes.set_ylim(low - 2.0 * tick, high + 0.6 * tick)
    axes.set_xlim(-0.01 * len(position), 1.01 * len(position))
    axes.set_xticks([])
    name = "\n".join(_wrapped(term)[:2])
    numbers = f"NES {result['nes']:.2f}, p {_p(result['p'])}, FDR {_p(result['fdr'])}"
    axes.set_title(f"{name}\n{numbers}", fontsize=7)
    axes.set_xlabel(_leading(result), fontsize=6, color=MUTED)


def _draw_scores(axes: Axes, curve: pd.DataFrame, ranked_by: str) -> None:
    """Scores of all genes in the order of the ranking."""
    position, score = curve["position"].to_numpy(), curve["score"].to_numpy(dtype=float)
    axes.fill_between(position, 0, score, step="mid", color="#9a9a9a", lw=0)
    axes.axhline(0, color=MUTED, lw=0.6)
    axes.set_xlim(-0.01 * len(position), 1.01 * len(position))
    axes.set_ylabel(SCORE_NAMES.get(ranked_by, ranked_by))
    axes.set_xlabel(f"rank among {len(position):,} genes, higher in the feature's high cells first")


def _wrapped(term: str) -> list[str]:
    """A name in lines, broken at spaces, or where it has none at underscores; capitals are wide."""
    width = _CAPITALS_WIDTH if term.isupper() else _PANEL_WIDTH
    if " " in term:
        return textwrap.wrap(term, width)
    return [line.replace("_ ", "_") for line in textwrap.wrap(term.replace("_", "_ "), width)]


def _leading(result: pd.Series) -> str:
    genes = [lists.name_of(gene) for gene in lists.entries(str(result["leading_edge"]))]
    more = f" (+{len(genes) - _MOST_LEADING})" if len(genes) > _MOST_LEADING else ""
    listed = textwrap.wrap(
        ", ".join(genes[:_MOST_LEADING]) + more, _PANEL_WIDTH + 6, break_on_hyphens=False
    )
    return f"{len(genes)} of {result['n_genes']} lead:\n" + "\n".join(listed)


def _p(value: float) -> str:
    """Three decimals; what no random set reached is printed as below the last of them."""
    return "< .001" if value < 0.001 else f"{value:.3f}".removeprefix("0")
