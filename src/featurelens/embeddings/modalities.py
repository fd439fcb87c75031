"""Further modalities of a bundle's cells: on disk beside it, ``cells_<name>.h5ad``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from featurelens.datasets.stored import names_of
from featurelens.datasets.stores import open_store
from featurelens.io import InputError, read_anndata, require_same_names

if TYPE_CHECKING:
    import anndata


def modality_path(folder: str | Path, name: str) -> Path:
    """Where a modality lies that ``beside`` in the config of the cells calls by this name."""
    return Path(folder) / f"cells_{name}.h5ad"


def read_modality(folder: str | Path, name: str) -> anndata.AnnData:
    """Read a further modality of a bundle, whose own cells are not read.

    Parameters
    ----------
    folder
        The bundle (``embeddings/<dataset>/<model>``).
    name
        Key of ``beside`` in the config of the cells.

    Returns
    -------
    AnnData
        (n_cells, n_features), cells as in the bundle; X is CSR float32 as it was in the file.

    Raises
    ------
    InputError
        If the bundle has no such modality, or it is of other cells.
    """
    path = modality_path(folder, name)
    if not path.exists():
        raise InputError(f"{path}: no such file; name the modality under 'beside' of the cells")
    modality = read_anndata(path)
    with open_store(Path(folder) / "cells.h5ad") as store:
        names = names_of(store.root["obs"])
    require_same_names(names, modality.obs_names, f"{folder}/cells.h5ad", str(path))
    return modality
