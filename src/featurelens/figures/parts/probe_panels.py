"""Features in the concept space whose terms have words in their names (Figures 3B, S25, S31)."""

from collections.abc import Sequence

import anndata
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D

from featurelens.concepts.probes import matches
from featurelens.conventions import Convention
from featurelens.figures.parts.palette import activation_map
from featurelens.figures.parts.style import BACKGROUND, cloud, point_size, without_axes

_COLUMNS = 4
_FOUND = {
    "as words": to_hex(activation_map()(0.75)),
    "only within other words": "#e88f5f",
    "only in other letter case": "#4477aa",
}
"""Features that a probe finds, by how: published finds the first two, corrected first and last."""


def probes_height(count: int) -> float:
    """Inches that :func:`draw_probes` takes for so many probes."""
    return 1.75 * max(1, -(-count // _COLUMNS)) + 0.4


def carries(
    concepts: anndata.AnnData, probe: str, convention: Convention = "published"
) -> np.ndarray:
    """Which features carry a term that ``concept_tables.matches`` a probe, (n_features,)."""
    found = matches(list(concepts.var_names), probe, convention)
    return np.asarray(concepts.X[:, found].sum(axis=1)).ravel() > 0


def draw_probes(
    figure: SubFigure | Figure, concepts: anndata.AnnData, probes: Sequence[str]
) -> Axes:
    """One panel a probe: the features that carry a term it finds, drawn last, and their number.

    Returns the first panel.
    """
    rows = max(1, -(-len(probes) // _COLUMNS))
    panels = np.atleast_1d(figure.subplots(rows, _COLUMNS)).ravel()
    found = set()
    for axes, probe in zip(panels, probes, strict=False):
        found |= _draw_probe(axes, concepts, probe)
    for axes in panels[len(probes) :]:
        axes.axis("off")
    figure.legend(
        handles=[
            Line2D([], [], ls="", marker="o", ms=5, mfc=colour, mec="none", label=label)
            for label, colour in _FOUND.items()
            if label in found
        ],
        loc="outside lower center",
        ncols=len(_FOUND),
        title="the name of some term of the feature contains the words of the title",
    )
    first: Axes = panels[0]
    return first


def _draw_probe(axes: Axes, concepts: anndata.AnnData, probe: str) -> set[str]:
    """Draw one probe and say in which ways it was found."""
    as_letters = carries(concepts, probe, "published")
    as_words = carries(concepts, probe, "corrected")
    place = np.asarray(concepts.obsm["X_umap"])
    size = point_size(concepts.n_obs)
    cloud(axes, *place[~(as_letters | as_words)].T, s=size, color=BACKGROUND)
    ways = (as_letters & as_words, as_letters & ~as_words, as_words & ~as_letters)
    found = {way: chosen for way, chosen in zip(_FOUND, ways, strict=True) if chosen.any()}
    for way, chosen in found.items():
        cloud(axes, *place[chosen].T, s=1.3 * size, color=_FOUND[way], alpha=0.9)
    n_letters, n_words = int(as_letters.sum()), int(as_words.sum())
    words = "" if n_words == n_letters else f" ({n_words:,} as words)"
    axes.set_title(f"{probe}\n{n_letters:,} of {concepts.n_obs:,}{words}", fontsize=7.5)
    without_axes(axes)
    return set(found)
