"""What steering did, as tables and as cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from featurelens.conventions import CONVENTIONS, Convention
from featurelens.features.describe import project
from featurelens.steering.comparison import Comparison
from featurelens.steering.effects import closed, log2
from featurelens.steering.genes import (
    EFFECT_COLUMNS,
    corrected_genes,
    effect_table,
    published_genes,
)
from featurelens.steering.nulls import Null
from featurelens.steering.stage import Stage, Steered

if TYPE_CHECKING:
    import anndata


def effects(
    stage: Stage,
    edits: list[Steered],
    nulls: list[Null],
    comparison: Comparison | None,
    *,
    conventions: Sequence[Convention] = CONVENTIONS,
) -> pd.DataFrame:
    """Genes of every edit under each convention."""
    if stage.reading is None:
        return pd.DataFrame(columns=list(EFFECT_COLUMNS))
    tables = []
    for steered, null in zip(edits, nulls, strict=True):
        about = {name: steered.choice[name] for name in ("feature", "role", "cell_type")}
        about |= {"steered_value": steered.edits[0].value, "gene": stage.symbols}
        if steered is edits[0] and comparison is not None:
            about |= {
                "true_log2_fold": comparison.true_log2_fold,
                "true_t": comparison.true_t,
            }
        for convention in conventions:
            before, after = getattr(steered, convention)[:2]
            if convention == "published":
                size = stage.bundle.decoder.dispersion
                columns = published_genes(stage.reading, before, after, size)
            else:
                columns = corrected_genes(stage.reading, before, after, stage.draws, null)
            tables.append(effect_table(about | {"convention": convention}, columns))
    return pd.concat(tables, ignore_index=True)


def told(stage: Stage, steered: Steered) -> dict[str, Any]:
    """What was done, and how much of it a decoder had to cut off."""
    clipped = stage.bundle.decoder.share_clipped
    drawn, before, after = steered.drawn, *steered.corrected[:2]
    return {
        "operation": stage.config.operation,
        "steered_value": steered.edits[0].value,
        "drawn_value": float(drawn.changed[:, 0].mean(dtype=np.float64)),
        "n_cells": len(stage.rows),
        "beyond_range": "; ".join(steered.remarks),
        "share_clipped_control": clipped(before),
        "share_clipped_steered": clipped(after),
    }


def trajectories(stage: Stage, edits: list[Steered]) -> anndata.AnnData:
    """Steered cells in every condition."""
    import anndata

    cells = stage.features.obs_names[stage.rows]
    tables, places = [], []
    for steered in edits:
        conditions = {
            "normal": stage.features.obsm["X_emb"][stage.rows],
            "steered": steered.drawn.after,
            "corrected": steered.corrected.after,
        }
        for condition, z in conditions.items():
            columns = {
                "feature": steered.name,
                "role": steered.choice["role"],
                "cell": cells,
                "condition": condition,
                "cell_type": stage.config.origin,
            }
            names = [f"{steered.name}:{condition}:{cell}" for cell in cells]
            tables.append(pd.DataFrame(columns, index=names))
            places.append(z)
    obs, points = pd.concat(tables), np.concatenate(places).astype(np.float32)
    for column in ("feature", "role", "condition", "cell_type"):
        obs[column] = obs[column].astype("category")
    projected = project(points, stage.features.uns["pca"])
    return anndata.AnnData(obs=obs, obsm={"X_emb": points, "X_pca": projected})


def control_effects(stage: Stage, edits: list[Steered], nulls: list[Null]) -> anndata.AnnData:
    """Controls x genes, log2 effects of every edit's controls."""
    import anndata

    tables, effects = [], []
    for steered, null in zip(edits, nulls, strict=True):
        columns = {"feature": steered.name, "kind": null.kind, "control": null.names}
        names = [f"{steered.name}:{name}" for name in null.names]
        tables.append(pd.DataFrame(columns, index=names))
        found = null.effects
        if stage.reading is not None:
            shares = stage.reading.shares(steered.corrected.before)
            found = closed(found, shares, stage.config.composition)
        effects.append(log2(found).astype(np.float32))
    genes = stage.bundle.cells.var if stage.reading is not None else None
    return anndata.AnnData(X=np.concatenate(effects), obs=pd.concat(tables), var=genes)
