"""Heat maps of all live features in all cells (Figures S15 and S27)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from scipy import sparse
from scipy.cluster import hierarchy
from scipy.optimize import isotonic_regression

from featurelens.figures.parts.palette import activation_map
from featurelens.figures.parts.style import (
    FULL_WIDTH,
    MUTED,
    new_figure,
    not_in_this_run,
    panel_letter,
)

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.axes import Axes

MOST_ROWS, MOST_COLUMNS = 800, 1400
"""Points of a picture; of more cells or features, neighbours share one, which shows their mean."""

_CLIPPED = 99.5
"""Percentile of the points above zero at which the colours of cells end."""

_CELLS_HEIGHT = 3.3
_ROW = 0.11
"""Inches of one cell type."""


def typed_order(type_means: np.ndarray, live: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Order of cell types and of live features in which blocks lie along the diagonal.

    Parameters
    ----------
    type_means
        Mean activation of each feature in each type, (n_features, n_types).
    live
        Which features some cell activates, (n_features,).

    Returns
    -------
    types, features
        (n_types,) places of the types, alike ones side by side (average linkage of the features'
        means, each over its largest); (n_live,) places of the live features, by the type in which
        their mean is largest and within one by the share of that type.
    """
    rows = np.flatnonzero(live)
    means = np.clip(type_means[rows], 0, None)
    relative = relative_means(means)
    types = np.arange(means.shape[1])
    if len(types) > 2 and len(rows):
        types = hierarchy.leaves_list(
            hierarchy.linkage(relative.T, "average", optimal_ordering=True)
        )
    place = np.argsort(types)
    share = relative.max(axis=1, initial=0) / np.maximum(relative.sum(axis=1), 1e-300)
    return types, rows[np.lexsort((-share, place[means.argmax(axis=1)]))]


def relative_means(type_means: np.ndarray) -> np.ndarray:
    """Each row over its largest value, (n_features, n_types); zeros where it has none."""
    largest = type_means.max(axis=1, keepdims=True)
    return np.divide(type_means, largest, out=np.zeros(type_means.shape), where=largest > 0)


def block_means(
    X: sparse.csr_matrix, rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int]
) -> np.ndarray:
    """Mean of a matrix over blocks of neighbours, in a given order of its rows and columns.

    Parameters
    ----------
    X
        (n, m), sparse.
    rows, columns
        Places in ``X``, in the order of the result; what they leave out is left out.
    shape
        Most rows and columns of the result.

    Returns
    -------
    numpy.ndarray
        (min(n_rows, shape[0]), min(n_columns, shape[1])).

    Examples
    --------
    >>> X = sparse.csr_matrix([[4.0, 0.0], [0.0, 2.0], [8.0, 6.0]])
    >>> block_means(X, np.array([2, 0]), np.array([0, 1]), (1, 2))  # (8 + 4) / 2, (6 + 0) / 2
    array([[6., 3.]])
    """
    above, beside = (
        _averaging(order, size, most)
        for order, size, most in zip((rows, columns), X.shape, shape, strict=True)
    )
    return (above @ (X @ beside.T)).toarray()


def _averaging(order: np.ndarray, size: int, most: int) -> sparse.csr_matrix:
    """(n_blocks, size): the mean over each block of neighbours in an order."""
    count = min(len(order), most)
    block = np.arange(len(order)) * count // max(len(order), 1)
    weight = 1 / np.bincount(block, minlength=count)[block]
    return sparse.csr_matrix((weight, (block, order)), shape=(count, size))


def apart(places: np.ndarray, gap: float, low: float, high: float) -> np.ndarray:
    """Ascending places, moved as little as can be so that neighbours are a gap apart.

    Examples
    --------
    >>> apart(np.array([1.0, 1.5, 9.0]), gap=1.0, low=0.0, high=10.0)
    array([0.75, 1.75, 9.  ])
    """
    steps = gap * np.arange(len(places))
    moved = isotonic_regression(places - steps).x if len(places) else places
    return np.clip(moved, low, max(high - gap * (len(places) - 1), low)) + steps


def draw_activation_maps(features: AnnData, *, name: str) -> Figure:
    """A: activation of all live features in all cells; B: their means in every cell type.

    Parameters
    ----------
    features
        Of :func:`featurelens.features.describe.describe_features`.
    name
        Of the SAE, for the title.
    """
    names = np.asarray(features.uns["cell_types"], dtype=str)
    live = (features.var["n_active"] > 0).to_numpy()
    figure = new_figure(FULL_WIDTH, _CELLS_HEIGHT + _ROW * len(names) + 1.1)
    heights = [_CELLS_HEIGHT, _ROW * len(names) + 0.2]
    upper, lower = figure.subplots(2, 1, height_ratios=heights)
    title = f"{name}: {features.n_obs:,} cells, {live.sum():,} live features of {len(live):,}"
    upper.set_title(title, loc="left")
    if not live.any():
        not_in_this_run(upper, "no cell activates any feature")
        lower.axis("off")
        return figure
    means = np.asarray(features.varm["type_means"])
    types, columns = typed_order(means, live)
    codes = features.obs["cell_type"].astype(str).map({n: at for at, n in enumerate(names)})
    place = np.argsort(types)[codes.to_numpy(dtype=int)]
    rows = np.argsort(place, kind="stable")
    _draw_cells(upper, features.X, rows, columns)
    name_blocks(upper, names[types], np.bincount(place, minlength=len(names)))
    panel_letter(upper, "A", x=-0.2)
    _draw_types(lower, relative_means(means[columns][:, types]).T, names[types])
    panel_letter(lower, "B", x=-0.2)
    return figure


def _draw_cells(axes: Axes, X: Any, rows: np.ndarray, columns: np.ndarray) -> None:
    blocks = block_means(sparse.csr_matrix(X), rows, columns, (MOST_ROWS, MOST_COLUMNS))
    highest = float(np.percentile(blocks[blocks > 0], _CLIPPED))
    image = axes.imshow(
        blocks, cmap=activation_map(), vmin=0, vmax=highest, aspect="auto",
        extent=(0, len(columns), len(rows), 0), interpolation="nearest",
    )  # fmt: skip
    axes.set_xticks([])
    colour_bar(axes, image, "activation", [0, highest], ["0", f"≥ {highest:.2g}"])


def name_blocks(axes: Axes, names: np.ndarray, sizes: np.ndarray) -> None:
    """Names of cell types beside their blocks of cells, with lines where one must step aside."""
    ends = np.cumsum(sizes)
    middles, total = ends - sizes / 2, int(ends[-1])
    for end in ends[:-1]:
        axes.axhline(end, color="white", lw=0.4)
        axes.axhline(end, color=MUTED, lw=0.25)
    labels = apart(middles, gap=total * 0.031, low=0.01 * total, high=0.99 * total)
    for middle, label, text in zip(middles, labels, names, strict=True):
        axes.annotate(
            text, (0, middle), xytext=(-0.03, label), xycoords=axes.get_yaxis_transform(),
            textcoords=axes.get_yaxis_transform(), ha="right", va="center", fontsize=5.5,
            arrowprops={"arrowstyle": "-", "lw": 0.4, "color": MUTED, "shrinkA": 0, "shrinkB": 0}
            | {"relpos": (1, 0.5)},
        )  # fmt: skip
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)


def _draw_types(axes: Axes, shares: np.ndarray, names: np.ndarray) -> None:
    image = axes.imshow(
        shares, cmap=activation_map(), vmin=0, vmax=1, aspect="auto", interpolation="nearest"
    )
    axes.set_yticks(range(len(names)), names, fontsize=5.5)
    axes.tick_params(length=0)
    axes.set_xticks([])
    axes.set_xlabel("live features, by the cell type in which their mean is highest")
    for spine in axes.spines.values():
        spine.set_visible(False)
    colour_bar(axes, image, "mean of the type\nover the highest", [0, 1], ["0", "1"])


def colour_bar(axes: Axes, image: Any, label: str, ticks: list[float], texts: list[str]) -> None:
    """A narrow colour bar beside a heat map."""
    bar = axes.figure.colorbar(image, ax=axes, fraction=0.03, aspect=16, pad=0.015, shrink=0.55)
    bar.outline.set_visible(False)
    bar.set_ticks(ticks, labels=texts)
    bar.ax.tick_params(length=0, labelsize=6)
    bar.set_label(label, fontsize=6.5)
