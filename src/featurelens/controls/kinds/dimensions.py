"""The columns of the embedding, cut at their median: either end is active in half of the cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from featurelens.controls.control import Components, Control

if TYPE_CHECKING:
    import anndata


def components(cells: anndata.AnnData, n_components: int, seed: int) -> Components:  # noqa: ARG001
    """The embedding as it is, ``obsm['X_emb']``."""
    scores = cells.obsm["X_emb"].astype(np.float64)
    return Components(scores, np.median(scores, axis=0))


CONTROL = Control(
    of="cells",
    label="embedding dimensions ±",
    place=4,
    repeatable=False,
    components=components,
    as_many=False,
)
