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
    ELSEWHERE,
    check_dataset,
    chosen_cells,
    counts_of,
    no_expression,
    require_counts,
    require_unique_genes,
)
from featurelens.datasets.config import RAW, DatasetConfig, OwnCells, X
from featurelens.datasets.files import CellsFile, ensembl_column, open_cells, require_key
from featurelens.datasets.found import Found, said_of
from featurelens.datasets.gene_names import are_ensembl, parts, trimmed
from featurelens.datasets.in_memory import (
    found_in_memory,
    matrices,
    remedy_in_memory,
    table_of_genes,
)
from featurelens.datasets.labels import require_labels
from featurelens.datasets.orthologs import read_orthologs
from featurelens.datasets.plain import NO_SYMBOL, is_missing, plain_table
from featurelens.datasets.shipped import (
    pbmc68k_genes,
    pbmc68k_labels,
    pbmc68k_type_sizes,
    read_pbmc68k_reduced,
)
from featurelens.datasets.stored import read_matrix, read_sound
from featurelens.datasets.unknown_types import ALL, UNKNOWN, known_types
from featurelens.io import InputError, require_unique_names
from featurelens.means import Log, silent

if TYPE_CHECKING:
    import anndata


def read_dataset(config: DatasetConfig, *, log: Log = silent) -> anndata.AnnData:
    """Read cells and bring them into the form of this module; ``log`` hears what was found.

    Raises
    ------
    InputError
        If a named part is missing, cell names repeat, a cell has no label, or the counts are not
        non-negative integers.
    """
    if isinstance(config, OwnCells):
        return _read_own(config, log)
    return read_pbmc68k_reduced()


def read_genes(config: DatasetConfig) -> pd.DataFrame:
    """``var`` as :func:`read_dataset` returns it, read without the counts."""
    if not isinstance(config, OwnCells):
        return pbmc68k_genes()
    with open_cells(config) as file:
        return genes_of(file)


def genes_of(file: CellsFile) -> pd.DataFrame:
    """The same of an open file."""
    var = file.table_of_genes()
    kept = var if file.columns is None else var.iloc[file.columns]
    return _genes(plain_table(kept), file.config)


def read_type_sizes(config: DatasetConfig) -> dict[str, int]:
    """Number of cells of each type, types sorted, read without anything else of the cells.

    Cells whose label says nothing are of no type.
    """
    if not isinstance(config, OwnCells):
        return pbmc68k_type_sizes()
    with open_cells(config) as file:
        labels = types_of(file)
        if file.config.only:
            labels = labels[chosen_cells(file.table(), file.config)]
    sizes = labels[labels != UNKNOWN].value_counts().sort_index()
    return {str(name): int(count) for name, count in sizes.items()}


def types_of(file: CellsFile) -> pd.Series:
    """Cell types of an open file, (n_cells,), as text, :data:`UNKNOWN` where a label says none."""
    column = file.config.cell_type
    if not column:
        return pd.Series([ALL] * len(file.names))
    return known_types(file.column(column))


def read_labels(config: DatasetConfig) -> pd.DataFrame:
    """Columns of the cells as :func:`read_dataset` has them in obs, read without their counts."""
    if not isinstance(config, OwnCells):
        return pbmc68k_labels()
    with open_cells(config) as file:
        config, table = file.config, plain_table(file.table())
        own: dict[str, Any] = {"cell_type": types_of(file).to_numpy()}
        own["batch"] = table[config.batch].astype(str).to_numpy() if config.batch else ALL
        chosen = chosen_cells(table, config) if config.only else slice(None)
    return table.drop(columns=[*own], errors="ignore").assign(**own)[chosen]


def _read_own(config: OwnCells, log: Log) -> anndata.AnnData:
    check_dataset(config)
    with open_cells(config) as file:
        for line in said_of(Found(file.config, file.found)):
            log(line)
        config = file.config
        matrix = read_matrix(counts_of(file), rows=file.rows, columns=file.columns)
        own, var = file.table(), file.table_of_genes()
        obsm = {key: (read_sound(value), rows) for key, (value, rows) in file.obsm.items()}
        for key, (value, rows) in obsm.items():
            n_rows = len(file.names if rows is None else file.row_names)
            _require_rows(value, n_rows, f"{config.path}: obsm[{key!r}]")
        varm = file.varm()
        for key, value in varm.items():
            _require_rows(value, len(file.genes), f"{config.path}: varm[{key!r}]")
        columns = slice(None) if file.columns is None else file.columns
    return _own_cells(
        config,
        counts=sparse.csr_matrix(matrix),
        own=own,
        var=var.iloc[columns],
        obsm={key: _take(value, rows) for key, (value, rows) in obsm.items()},
        varm={key: _take(value, columns) for key, value in varm.items()},
    )


def _require_rows(value: Any, n_rows: int, where: str) -> None:
    if getattr(value, "shape", ())[:1] != (n_rows,):
        raise InputError(
            f"{where} is no matrix of {n_rows} rows, as there are names; write it again, or "
            "remove it from the file"
        )


def take_cells(adata: anndata.AnnData, config: OwnCells, *, log: Log = silent) -> anndata.AnnData:
    """Bring cells in memory into the form of this module, as :func:`read_dataset` does a file's.

    Parameters
    ----------
    adata
        Cells x genes with raw counts; left as it is.
    config
        Names of the parts; ``path`` is what messages call the cells. A modality is not selected.
    log
        Receives what was found that the config leaves open.

    Raises
    ------
    InputError
        As :func:`read_dataset`.
    """
    require_unique_names(adata.obs_names, f"{config.path}: cell")
    for column in (config.cell_type, config.batch, config.library):
        if column:
            require_key(column, adata.obs, f"{config.path}: obs")
    adata = adata.to_memory() if adata.isbacked else adata
    found = found_in_memory(adata, config)
    for line in said_of(found):
        log(line)
    config = found.config
    var = table_of_genes(adata, config)
    require_unique_genes(var.index, config.path)
    if config.symbol is not None:
        require_key(config.symbol, var, f"{config.path}: var")
    counts = _counts_in_memory(adata, config)
    return _own_cells(
        config,
        counts=sparse.csr_matrix(counts, copy=True),
        own=adata.obs,
        var=var,
        obsm=dict(adata.obsm),
        varm=dict(adata.varm) if var.index.equals(adata.var_names) else {},
        remedy=remedy_in_memory(adata, config),
    )


def _counts_in_memory(adata: anndata.AnnData, config: OwnCells) -> Any:
    """The matrix that holds the counts, as it is; half precision as single."""
    places, place = matrices(adata), str(config.counts_layer)
    if place not in places or not adata.n_vars:
        if place not in (X, RAW):
            where = f"{config.path}: layers"
            require_key(place, adata.layers, where, otherwise=COUNTS_IN_X)
        raise InputError(no_expression(config, adata.layers))
    counts = places[place]
    # No sparse matrix of scipy holds half precision.
    return counts.astype(np.float32) if counts.dtype == np.float16 else counts


def _own_cells(
    config: OwnCells,
    *,
    counts: sparse.csr_matrix,
    own: pd.DataFrame,
    var: pd.DataFrame,
    obsm: dict[str, Any],
    varm: dict[str, Any],
    remedy: str = ELSEWHERE,
) -> anndata.AnnData:
    """Cells of a user's own, from parts that belong together; changes ``counts`` in place."""
    own, var = plain_table(own), plain_table(var)
    # As they are stored, indices and indptr may be of two widths, of which scipy removes no zeros.
    counts = sparse.csr_matrix((counts.data, counts.indices, counts.indptr), shape=counts.shape)
    counts.sum_duplicates()  # as every library reads a place that is given twice
    counts.eliminate_zeros()
    require_counts(
        counts.data,
        f"{config.path}: {config.counts}",
        lambda position: own.index[int(np.searchsorted(counts.indptr, position, "right")) - 1],
        remedy=remedy,
    )
    for column in (config.cell_type, config.batch):
        if column:
            require_labels(own[column], own.index, column, config.path)
    if config.library is None:
        library = counts.sum(axis=1).A1
    else:
        library = pd.to_numeric(own[config.library], errors="coerce").to_numpy()
    ours = {
        "cell_type": known_types(own[config.cell_type]) if config.cell_type else ALL,
        "batch": own[config.batch] if config.batch else ALL,
        "library": library.astype(np.float64),
    }
    cells = assemble(
        counts=sparse.csr_matrix(
            (counts.data.astype(np.int32), counts.indices, counts.indptr), shape=counts.shape
        ),
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
    if config.orthologs is not None:
        names = genes.itertuples(index=False)
        genes["orthologs"] = read_orthologs(config.orthologs, [tuple(row) for row in names])
    return genes


def _symbols(var: pd.DataFrame, column: str | None) -> pd.Series:
    """Gene symbols; the gene's own name where the column has none."""
    names = var.index.to_series().astype(str)
    if column is None:
        return names
    return var[column].astype(object).mask(is_missing(var[column], NO_SYMBOL), names).astype(str)
