"""What is unusual of a user's cells though it can be read, said before anything is computed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from featurelens.datasets.config import OwnCells
from featurelens.datasets.files import columns_of, open_cells, read_column
from featurelens.datasets.gene_names import describe
from featurelens.datasets.readers import read_genes

if TYPE_CHECKING:
    import anndata

FEW = 10
"""A batch of fewer cells, at the median, tells nothing of a feature."""
MANY = 30
"""More batches than these that are called by numbers are more likely ages or times."""


def remarks(config: OwnCells) -> list[str]:
    """Lines on a user's file: its labels, its batches, the names of its genes.

    The file has passed :func:`featurelens.datasets.checks.check_dataset`.
    """
    with open_cells(config) as file:
        labels = file.column(config.cell_type)
        batches = None if config.batch is None else file.column(config.batch)
    return [f"{config.path}: {line}" for line in remarks_on(config, labels, batches)] + [
        f"{config.path}: {line}" for line in remarks_on_genes(config)
    ]


def remarks_in_memory(
    adata: anndata.AnnData, cells: anndata.AnnData, config: OwnCells
) -> list[str]:
    """The same of cells in memory: as they were given, and as they were read."""
    batches = None if config.batch is None else adata.obs[config.batch]
    lines = list(remarks_on(config, adata.obs[config.cell_type], batches))
    of_genes = None if config.trim_names else describe(cells.var["symbol"].tolist())
    return lines if of_genes is None else [*lines, of_genes]


def remarks_on(config: OwnCells, labels: pd.Series, batches: pd.Series | None) -> Iterator[str]:
    """Lines on cell types and batches, each (n_cells,)."""
    if labels.dtype.kind in "iu":
        yield (
            f"obs[{config.cell_type!r}] holds whole numbers {labels.min()} to {labels.max()}; if "
            "they are codes of labels, as SeuratDisk writes factors, give the labels in their place"
        )
    if batches is None:
        return
    sizes = batches.value_counts()
    sizes = sizes[sizes > 0]
    where = f"obs[{config.batch!r}]"
    if batches.dtype.kind in "iu" and len(sizes) > MANY:
        yield f"{where} holds {len(sizes)} different whole numbers; is {config.batch!r} a batch?"
    elif len(sizes) > 1 and np.median(sizes) < FEW:
        yield (
            f"{where} has {len(sizes)} batches of {np.median(sizes):g} cells (median); genes are "
            f"tested within batches, and these are too small: is {config.batch!r} a batch?"
        )
    types = labels.astype(str).groupby(batches.astype(str).to_numpy()).nunique()
    if len(sizes) > 1 and labels.nunique() > 1 and (types == 1).all():
        yield (
            f"every batch of {where} holds cells of a single type, so that types are never "
            "compared within a batch, and little can be annotated: leave batch out"
        )


def remarks_on_genes(config: OwnCells) -> list[str]:
    """Lines on the names of genes."""
    if config.trim_names:
        return []
    line = describe(read_genes(config)["symbol"].tolist())
    return [] if line is None else [line]


def hint_of_symbols(config: OwnCells, genes: Collection[str]) -> str | None:
    """Where in var more genes of gene sets stand than in the names that are used, or None."""
    with open_cells(config) as file:
        var = file.part["var"]
        columns = {name: read_column(var, name) for name in columns_of(var)}
        return _hint(columns, file.genes, config, genes)


def hint_in_memory(adata: anndata.AnnData, config: OwnCells, genes: Collection[str]) -> str | None:
    """The same of cells in memory."""
    columns = {str(name): adata.var[name] for name in adata.var}
    return _hint(columns, adata.var_names, config, genes)


def _hint(
    columns: Mapping[str, pd.Series], names: pd.Index, config: OwnCells, genes: Collection[str]
) -> str | None:
    every = {"": names.to_series(), **columns}
    held = {name: len(set(genes) & set(values.astype(str))) for name, values in every.items()}
    best = max(held, key=lambda name: held[name])
    if held[best] <= held.get(config.symbol or "", 0):
        return None
    if not best:
        return f"var_names hold {held[best]} of the sets' genes: leave symbol out"
    return f"var[{best!r}] holds {held[best]} of the sets' genes: set symbol: {best}"
