"""Cells of an embedding in the plane, coloured by their type or batch."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from featurelens.figures.parts.concept_panels import Looks, looks_of
from featurelens.figures.parts.style import BACKGROUND, cloud, point_size, without_axes

MOST_CELLS = 20_000
"""Of more cells as many are drawn, at random."""

MOST_LABELS = 24
"""Labels with a colour of their own; cells of the rarer ones are grey."""

OTHERS = "others"
_LAYERS = 4


def drawn_cells(n_cells: int, *, seed: int = 0) -> np.ndarray:
    """Places of the cells that are drawn, in the random order in which they are."""
    return np.random.default_rng(seed).permutation(n_cells)[:MOST_CELLS]


def label_looks(labels: Sequence[str]) -> Looks:
    """Colour and marker of the most frequent labels, in the order of their names; of the others."""
    names, counts = np.unique(np.asarray(labels, dtype=str), return_counts=True)
    frequent = names[np.sort(np.argsort(-counts, kind="stable")[:MOST_LABELS])]
    others = {OTHERS: (BACKGROUND, "o")} if len(names) > MOST_LABELS else {}
    return looks_of(list(frequent)) | others


def draw_labelled(axes: Axes, place: np.ndarray, labels: Sequence[str], looks: Looks) -> None:
    """Every cell in the look of its label; cells come in a random order.

    Parameters
    ----------
    axes
        The panel.
    place
        (n_cells, 2).
    labels
        (n_cells,).
    looks
        Of :func:`label_looks`.
    """
    known = np.asarray(labels, dtype=str)
    known = np.where(np.isin(known, list(looks)), known, OTHERS)
    layers = np.arange(len(known)) * _LAYERS // max(len(known), 1)
    for layer in range(_LAYERS):  # so that no label lies above all others
        for name, (colour, marker) in sorted(looks.items(), key=lambda item: item[0] != OTHERS):
            chosen = (layers == layer) & (known == name)
            cloud(
                axes, *place[chosen].T, s=0.8 * point_size(len(known)), color=colour,
                marker=marker, alpha=0.85,
            )  # fmt: skip
    without_axes(axes)
