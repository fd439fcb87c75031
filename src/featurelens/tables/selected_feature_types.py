"""How active the feature that follows a trajectory best is in every cell type (the paper finds its
erythropoiesis feature in NK cells and some CD8+ T cells too).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from anndata import AnnData

INPUTS = {
    "features": "features/{guided}/features.h5ad",
    "selected": "tables/selected_features.tsv",
}
PARAMS = {"trajectories": "{trajectories}"}
COLUMNS = (
    *("sae", "trajectory", "feature", "cell_type", "is_stage", "n_cells", "fraction_active"),
    *("mean", "mean_relative", "q95_relative"),
)


def tabulate(
    features: Mapping[str, AnnData],
    selected: pd.DataFrame,
    *,
    trajectories: Mapping[str, Mapping[str, Any]],
) -> pd.DataFrame:
    """Activation of the best ranked feature of every trajectory, by cell type.

    Parameters
    ----------
    features
        Name (dataset/model/sae) to ``features.h5ad``.
    selected
        Table ``selected_features``; rows of rank 1 are taken.
    trajectories
        Dataset to its trajectories by name, in plain form.

    Returns
    -------
    DataFrame
        sae, trajectory, feature, cell_type, is_stage (of the trajectory), n_cells, fraction_active,
        mean, mean_relative and q95_relative (mean, and 95th percentile over all cells of the type,
        over the mean in the last stage).
    """
    rows = []
    for row in selected[selected["rank"] == 1].to_dict("records"):
        adata = features[row["sae"]]
        stages = trajectories[row["sae"].split("/")[0]][row["trajectory"]]["stages"]
        place = list(adata.var_names).index(str(row["feature"]))
        values = np.asarray(adata.X[:, [place]].todense()).ravel()
        labels = adata.obs["cell_type"].astype(str).to_numpy()
        end = float(values[labels == stages[-1]].mean())
        about = {"sae": row["sae"], "trajectory": row["trajectory"], "feature": row["feature"]}
        for cell_type in sorted(set(labels)):
            own = values[labels == cell_type]
            rows.append(
                about
                | {"cell_type": cell_type, "is_stage": cell_type in stages, "n_cells": len(own)}
                | {"fraction_active": float((own > 0).mean()), "mean": float(own.mean())}
                | {"mean_relative": float(own.mean()) / end if end else float("nan")}
                | {"q95_relative": float(np.quantile(own, 0.95)) / end if end else float("nan")}
            )
    return pd.DataFrame(rows, columns=list(COLUMNS))
