"""Hidden and observed variables of a simulation: their names, levels and places."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import anndata
import numpy as np
import pandas as pd

from featurelens.simulation.observables import observables

if TYPE_CHECKING:
    from anndata import AnnData


def hidden_variables(data: anndata.AnnData) -> list[Variables]:
    """Every group of variables but Y, which may be too large for one array."""
    listing = data.uns["variables"]
    hidden = {"variables": listing[listing["level"] > 0]}
    return variables(anndata.AnnData(obs=data.obs, obsm=dict(data.obsm), uns=hidden))


@dataclass(frozen=True)
class Variables:
    """One group of variables of a simulation."""

    name: str
    """Name in the paper: Y, X, X', X'', A or B; F for the features of the zipf simulation."""
    level: int
    """Number of arrows between the group and the observables; Y itself is 0."""
    kind: str
    """``numeric`` or ``category``."""
    values: np.ndarray
    """(n_cells, n_variables); a category is one column of integer codes."""


def variables(adata: AnnData) -> list[Variables]:
    """Read every group of variables, in the order of ``uns['variables']``.

    Y becomes one array here, also where it is not stored: take the cells of interest first.
    """
    listing = adata.uns["variables"]
    return [
        Variables(str(row.name_), int(row.level), str(row.kind), _slot(adata, str(row.slot)))
        for row in listing.rename(columns={"name": "name_"}).itertuples(index=False)
    ]


def new_adata(stored: np.ndarray | None, shape: tuple[int, ...], n_validation: int) -> AnnData:
    """Cells and genes with names, the last ``n_validation`` cells marked as validation."""
    from anndata import AnnData  # slow to import, and planning needs only the classes above

    n_cells, n_genes = shape
    is_validation = np.arange(n_cells) >= n_cells - n_validation
    split = pd.Categorical(np.where(is_validation, "validation", "train"))
    return AnnData(
        stored,
        obs=pd.DataFrame({"split": split}, index=[f"cell_{i}" for i in range(n_cells)]),
        var=pd.DataFrame(index=[f"gene_{i}" for i in range(n_genes)]),
    )


def categorical(codes: np.ndarray, n_levels: int, stem: str) -> pd.Categorical:
    """Codes as a categorical of levels ``stem_0``, ``stem_1`` and so on."""
    names = pd.Index([f"{stem}_{i}" for i in range(n_levels)])
    return pd.Categorical.from_codes(codes.tolist(), categories=names)


def list_variables(*rows: tuple[str, int, str, str]) -> pd.DataFrame:
    """Table of variables (name, level, kind, slot), as ``uns['variables']`` holds it."""
    index = [str(i) for i in range(len(rows))]
    return pd.DataFrame(list(rows), columns=["name", "level", "kind", "slot"], index=index)


def _slot(adata: AnnData, slot: str) -> np.ndarray:
    if slot == "X":
        return observables(adata).rows(slice(None))
    place, key = slot.split("/", 1)
    if place == "obsm":
        return np.asarray(adata.obsm[key])
    return adata.obs[key].cat.codes.to_numpy(dtype=np.int64)[:, None]
