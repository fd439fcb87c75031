"""A further modality of the cells of a file, such as the accessibility of their chromatin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from featurelens.datasets.checks import counts_of, kept_genes, require_rows
from featurelens.datasets.config import OwnCells, X
from featurelens.datasets.files import open_cells, require_key
from featurelens.datasets.stored import read_matrix
from featurelens.io import InputError

if TYPE_CHECKING:
    import anndata


def check_beside(config: OwnCells) -> None:
    """Raise :class:`InputError` if a further modality is not in the file."""
    for modality in config.beside.values():
        with open_cells(replace(config, modality=modality, beside={}, cell_type=False)) as file:
            kept_genes(file)


def read_beside(config: OwnCells, name: str, cells: Sequence[str]) -> anndata.AnnData:
    """Read a further modality of some cells.

    Parameters
    ----------
    config
        Where the cells come from. The values are taken from its ``counts_layer`` where the modality
        has it, else from X.
    name
        Key of its ``beside``.
    cells
        Names of the cells wanted.

    Returns
    -------
    AnnData
        (n_cells, n_features), rows in the order of ``cells``: X, CSR float32, as it is in the file;
        uns: modality (its name in the file) and values (where they were).

    Raises
    ------
    InputError
        If the file has no such modality, a cell lacks it, or a value is not finite.
    """
    import anndata

    require_key(name, config.beside, "beside")
    asked = config.counts_layer
    config = replace(
        config, modality=config.beside[name], beside={}, counts_layer=asked or X, cell_type=False
    )
    with open_cells(config) as file:
        if asked not in file.places:
            file = replace(file, config=replace(file.config, counts_layer=X))
        rows = file.names.get_indexer(pd.Index(cells))
        if (rows < 0).any():
            missing = str(pd.Index(cells)[rows < 0][0])
            raise InputError(f"{config.path}: has no cell {missing!r}; make the cells again")
        own = rows if file.rows is None else file.rows[rows]
        matrix = read_matrix(counts_of(file), rows=own, columns=file.columns)
        place = file.config.counts
        features = file.genes if file.columns is None else file.genes[file.columns]
    matrix = matrix.astype(np.float32)
    finite = pd.Series(True, index=pd.Index(list(cells), dtype=object))
    faulty = np.flatnonzero(~np.isfinite(matrix.data))
    finite.iloc[np.searchsorted(matrix.indptr, faulty, "right") - 1] = False
    require_rows(finite, f"{config.path}: {config.modality}: cell", "has a value that is no number")
    return anndata.AnnData(
        matrix,
        obs=pd.DataFrame(index=finite.index),
        var=pd.DataFrame(index=features),
        uns={"modality": str(config.modality), "values": place},
    )
