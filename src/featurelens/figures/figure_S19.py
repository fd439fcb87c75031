"""**Figure S19. Features that follow a trajectory.** Activation, in every cell, of the features
that pass the paper's filters for a trajectory (mean of the later stages above that of all other
types, above that of the first stage, and means that rise from stage to stage), the best first
(selected_features.tsv); where none passes, what stands in their place, as the title says. Cells
are ordered by type: the stages in their order, then the other types by name. Where there are more
cells than points of the picture, a point is the mean of neighbours.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData
from matplotlib.figure import Figure
from scipy import sparse

from featurelens.figures.parts.activation_maps import (
    MOST_ROWS,
    block_means,
    colour_bar,
    name_blocks,
)
from featurelens.figures.parts.palette import activation_map
from featurelens.figures.parts.style import FULL_WIDTH, figure_without, new_figure, styled

INPUTS = {
    "features": "features/{studied}/features.h5ad",
    "counts": "tables/feature_selection.tsv",
    "candidates": "tables/selected_features.tsv",
}
PARAMS = {"name": "{studied}", "trajectory": "{studied_trajectory}"}
TOGETHER = "features"


@styled
def draw(
    features: AnnData,
    counts: pd.DataFrame,
    candidates: pd.DataFrame,
    *,
    name: str,
    trajectory: Mapping[str, Any],
) -> Figure:
    """Draw Figure S19.

    Parameters
    ----------
    features
        Of :func:`featurelens.features.describe.describe_features`.
    counts, candidates
        ``tables/feature_selection.tsv`` and ``tables/selected_features.tsv``.
    name
        The SAE that is shown.
    trajectory
        Its name, and the stages.
    """
    shown = of_trajectory(candidates, name, trajectory)
    if shown.empty:
        return figure_without("no feature follows the trajectory")
    columns = features.var_names.get_indexer(shown["feature"])
    order, names, sizes = ordered_cells(features, trajectory["stages"])
    figure = new_figure(FULL_WIDTH, 4.6)
    axes = figure.subplots()
    shape = (MOST_ROWS, len(columns))
    blocks = block_means(sparse.csr_matrix(features.X), order, columns, shape)
    highest = float(blocks.max()) or 1.0
    image = axes.imshow(
        blocks, cmap=activation_map(), vmin=0, vmax=highest, aspect="auto",
        extent=(0, len(columns), len(order), 0), interpolation="nearest",
    )  # fmt: skip
    colour_bar(axes, image, "activation", [0, highest], ["0", f"{highest:.2g}"])
    name_blocks(axes, names, sizes)
    axes.set_xticks(np.arange(len(columns)) + 0.5, shown["feature"], rotation=90, fontsize=5.5)
    axes.tick_params(axis="x", length=0, pad=1)
    axes.set_xlabel("feature, the best first")
    axes.set_title(_title(counts, shown, name, trajectory), loc="left")
    return figure


def of_trajectory(
    candidates: pd.DataFrame, name: str, trajectory: Mapping[str, Any]
) -> pd.DataFrame:
    """Candidates of one SAE and trajectory, the best first, their names as text."""
    own = (candidates["sae"] == name) & (candidates["trajectory"] == trajectory["name"])
    found = candidates[own].sort_values("rank", kind="stable")
    return found.assign(feature=found["feature"].astype(str))


def ordered_cells(
    features: AnnData, stages: Sequence[str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cells by type, the types, and their numbers of cells: stages first, then others by name.

    Returns
    -------
    order, names, sizes
        (n_cells,), (n_types,), (n_types,).
    """
    labels = features.obs["cell_type"].astype(str).to_numpy()
    names = np.array([*stages, *sorted(set(labels) - set(stages))])
    place = pd.Categorical(labels, names.tolist()).codes
    return np.argsort(place, kind="stable"), names, np.bincount(place, minlength=len(names))


def _title(
    counts: pd.DataFrame, shown: pd.DataFrame, name: str, trajectory: Mapping[str, Any]
) -> str:
    own = (counts["sae"] == name) & (counts["trajectory"] == trajectory["name"])
    passed = counts[own].set_index("step").loc["increasing"]
    n_passed, rule = int(passed["n_features"]), str(shown["rule"].iloc[0])
    about = f"{len(shown)} features, each of which {rule}"
    if n_passed:
        about = f"{len(shown)} of the {n_passed:,} features, each of which {rule}"
    chance = f"{passed['n_by_chance']:.3g} pass all three where cell types exchange their places"
    return f"{name}: {about}\n({chance})"
