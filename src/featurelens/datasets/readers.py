"""Cells with raw counts, from scanpy's wheel or from a file, in one form.

Every reader returns an AnnData with ``X`` = log1p(counts / library * 1e4) CSR float32,
``layers['counts']`` CSR int32, obs cell_type (category), batch (category), library, split,
``var['symbol']``, ``var['ensembl']`` where Ensembl ids are known, and
``uns['library_column']`` where the library is a column of the user's and no sum. obsm and varm of a
user's file are kept, and so are its columns of obs that bear none of these names; split is its own
column of that name, or train for all cells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import sparse

from featurelens.datasets.assemble import assemble
from featurelens.datasets.checks import (
    COUNTS_IN_X,
    check_dataset,
    chosen_cells,
    counts_of,
    no_expression,
    require_counts,
    require_unique_genes,
)
from featurelens.datasets.config import DatasetConfig, OwnCells
from featurelens.datasets.files import (
    are_ensembl,
    ensembl_column,
    open_cells,
    read_matrix,
    require_key,
)
from featurelens.datasets.gene_names import parts, trimmed
from featurelens.datasets.labels import require_labels
from featurelens.datasets.plain import NO_SYMBOL, is_missing, plain_table
from featurelens.datasets.shipped import (
    pbmc68k_genes,
    pbmc68k_labels,
    pbmc68k_type_sizes,
    read_pbmc68k_reduced,
)
from featurelens.io import InputError, require_unique_names

if TYPE_CHECKING:
    import anndata


def read_dataset(config: DatasetConfig) -> anndata.AnnData:
    """Read cells and bring them into the form of this module.

    Raises
    ------
    InputError
        If a named part is missing, cell names repeat, a cell has no label, or the counts are not
        non-negative integers.
    """
    if isinstance(config, OwnCells):
        return _read_own(config)
    return read_pbmc68k_reduced()


def read_genes(config: DatasetConfig) -> pd.DataFrame:
    """``var`` as :func:`read_dataset` returns it, read without the counts."""
    from anndata.io import read_elem

    if not isinstance(config, OwnCells):
        return pbmc68k_genes()
    with open_cells(config) as file:
        var = read_elem(file.part["var"])
        return _genes(plain_table(var if file.columns is None else var.iloc[file.columns]), config)


def read_type_sizes(config: DatasetConfig) -> dict[str, int]:
    """Number of cells of each type, types sorted, read without anything else of the cells."""
    if not isinstance(config, OwnCells):
        return pbmc68k_type_sizes()
    with open_cells(config) as file:
        labels = file.column(config.cell_type).astype(str)
        if config.only:
            labels = labels[chosen_cells(file.table(), config)]
        return {str(name): int(count) for name, count in labels.value_counts().sort_index().items()}


def read_labels(config: DatasetConfig) -> pd.DataFrame:
    """Columns of the cells as :func:`read_dataset` has them in obs, read without their counts."""
    if not isinstance(config, OwnCells):
        return pbmc68k_labels()
    with open_cells(config) as file:
        table = plain_table(file.table())
        own = {"cell_type": table[config.cell_type].astype(str)}
        own["batch"] = (
            pd.Series("all", index=table.index)
            if config.batch is None
            else table[config.batch].astype(str)
        )
        chosen = chosen_cells(table, config) if config.only else slice(None)
    return table.drop(columns=[*own], errors="ignore").assign(**own)[chosen]


def _read_own(config: OwnCells) -> anndata.AnnData:
    from anndata.io import read_elem

    check_dataset(config)
    with open_cells(config) as file:
        matrix = read_matrix(counts_of(file, config), rows=file.rows, columns=file.columns)
        own, var = file.table(), read_elem(file.part["var"])
        obsm = {key: _take(read_elem(value), rows) for key, (value, rows) in file.obsm.items()}
        varm = read_elem(file.part["varm"]) if "varm" in file.part else {}
    columns = slice(None) if file.columns is None else file.columns
    return _own_cells(
        config,
        counts=sparse.csr_matrix(matrix),
        own=own,
        var=var.iloc[columns],
        obsm=obsm,
        varm={key: _take(value, columns) for key, value in varm.items()},
    )


def take_cells(adata: anndata.AnnData, config: OwnCells) -> anndata.AnnData:
    """Bring cells in memory into the form of this module, as :func:`read_dataset` does a file's.

    Parameters
    ----------
    adata
        Cells x genes with raw counts; left as it is.
    config
        Names of the parts; ``path`` is what messages call the cells. A modality is not selected.

    Raises
    ------
    InputError
        As :func:`read_dataset`.
    """
    require_unique_names(adata.obs_names, f"{config.path}: cell")
    require_unique_genes(adata.var_names, config.path)
    for column in (config.cell_type, config.batch, config.library):
        if column is not None:
            require_key(column, adata.obs, f"{config.path}: obs")
    if config.symbol is not None:
        require_key(config.symbol, adata.var, f"{config.path}: var")
    if config.counts_layer is not None:
        where = f"{config.path}: layers"
        require_key(config.counts_layer, adata.layers, where, otherwise=COUNTS_IN_X)
    adata = adata.to_memory() if adata.isbacked else adata
    counts = adata.X if config.counts_layer is None else adata.layers[config.counts_layer]
    if counts is None or not adata.n_vars:
        raise InputError(no_expression(config, adata.layers))
    if counts.dtype == np.float16:  # no sparse matrix of scipy holds it
        counts = counts.astype(np.float32)
    return _own_cells(
        config,
        counts=sparse.csr_matrix(counts, copy=True),
        own=adata.obs,
        var=adata.var,
        obsm=dict(adata.obsm),
        varm=dict(adata.varm),
    )


def _own_cells(
    config: OwnCells,
    *,
    counts: sparse.csr_matrix,
    own: pd.DataFrame,
    var: pd.DataFrame,
    obsm: dict[str, Any],
    varm: dict[str, Any],
) -> anndata.AnnData:
    """Cells of a user's own, from parts that belong together; changes ``counts`` in place."""
    own, var = plain_table(own), plain_table(var)
    counts.eliminate_zeros()
    counts.sort_indices()
    require_counts(
        counts.data,
        f"{config.path}: {config.counts}",
        lambda position: own.index[int(np.searchsorted(counts.indptr, position, "right")) - 1],
    )
    for column in (config.cell_type, config.batch):
        if column is not None:
            require_labels(own[column], own.index, column, config.path)
    if config.library is None:
        library = counts.sum(axis=1).A1
    else:
        library = pd.to_numeric(own[config.library], errors="coerce").to_numpy()
    ours = {
        "cell_type": own[config.cell_type],
        "batch": "all" if config.batch is None else own[config.batch],
        "library": library.astype(np.float64),
    }
    cells = assemble(
        counts=counts.astype(np.int32),
        obs=pd.DataFrame(ours, index=own.index),
        var=_genes(var, config),
        what=config.path,
        library=config.library,
    )
    if "split" in own:
        cells.obs["split"] = own["split"].astype(str).astype("category")
    others = [column for column in own if column not in cells.obs]
    cells.obs = cells.obs.join(own[others])
    cells.obsm.update(obsm)
    cells.varm.update(varm)
    return cells[chosen_cells(own, config)].copy() if config.only else cells


def _take(value: Any, index: Any) -> Any:
    """Rows of a matrix or a table; None takes all."""
    if index is None:
        return value
    return value.iloc[index] if isinstance(value, pd.DataFrame) else value[index]


def _genes(var: pd.DataFrame, config: OwnCells) -> pd.DataFrame:
    """Symbols of the genes, and their Ensembl ids where they are known; "" for a gene without."""
    symbols = _symbols(var, config.symbol)
    ids = var.index.astype(str).to_series()
    if config.trim_names:
        ids = symbols.map(lambda name: parts(name)[1])
        symbols = pd.Series(trimmed(symbols.tolist()), index=symbols.index)
        ids = ids.where(ids != "", symbols)
    genes = pd.DataFrame({"symbol": symbols})
    column = ensembl_column(config, [str(name) for name in var])
    if column is not None:
        genes["ensembl"] = var[column].astype(object).fillna("").astype(str)
    elif are_ensembl(ids.tolist()):
        genes["ensembl"] = ids.to_numpy()
    return genes


def _symbols(var: pd.DataFrame, column: str | None) -> pd.Series:
    """Gene symbols; the gene's own name where the column has none."""
    names = var.index.to_series().astype(str)
    if column is None:
        return names
    return var[column].astype(object).mask(is_missing(var[column], NO_SYMBOL), names).astype(str)
