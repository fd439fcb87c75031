"""What is unusual of a user's cells though it can be read, said before anything is computed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from featurelens.datasets.config import OwnCells
from featurelens.datasets.files import open_cells
from featurelens.datasets.found import FEW, Found, said_of
from featurelens.datasets.gene_names import describe
from featurelens.datasets.in_memory import found_in_memory, table_of_genes
from featurelens.datasets.orthologs import BETWEEN
from featurelens.datasets.readers import read_genes

if TYPE_CHECKING:
    import anndata

MANY = 30
"""More batches than these that are called by numbers are more likely ages or times."""


def remarks(config: OwnCells) -> list[str]:
    """Lines on a user's file: its labels, its batches, the names of its genes.

    The file has passed :func:`featurelens.datasets.checks.check_dataset`.
    """
    with open_cells(config) as file:
        config = file.config
        labels = file.column(config.cell_type) if config.cell_type else None
        batches = file.column(config.batch) if config.batch else None
        found = list(said_of(Found(config, file.found)))
    lines = [*remarks_on(config, labels, batches), *remarks_on_genes(config)]
    return found + [f"{config.path}: {line}" for line in lines]


def remarks_in_memory(
    adata: anndata.AnnData, cells: anndata.AnnData, config: OwnCells
) -> list[str]:
    """The same of cells in memory: as they were given, and as they were read."""
    config = found_in_memory(adata, config).config
    labels = adata.obs[config.cell_type] if config.cell_type else None
    batches = adata.obs[config.batch] if config.batch else None
    lines = list(remarks_on(config, labels, batches))
    of_genes = None if config.trim_names else describe(cells.var["symbol"].tolist())
    if "orthologs" in cells.var:
        lines.append(describe_orthologs(cells.var, config))
    return lines if of_genes is None else [*lines, of_genes]


def remarks_on(
    config: OwnCells, labels: pd.Series | None, batches: pd.Series | None
) -> Iterator[str]:
    """Lines on cell types and batches, each (n_cells,); None where there are none."""
    if labels is not None and labels.dtype.kind in "iu":
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
    if labels is None:
        return
    types = labels.astype(str).groupby(batches.astype(str).to_numpy()).nunique()
    if len(sizes) > 1 and labels.nunique() > 1 and (types == 1).all():
        yield (
            f"every batch of {where} holds cells of a single type, so that types are never "
            "compared within a batch, and little can be annotated: leave batch out"
        )


def remarks_on_genes(config: OwnCells) -> list[str]:
    """Lines on the names of genes."""
    if config.trim_names and config.orthologs is None:
        return []
    genes = read_genes(config)
    lines = [] if config.trim_names else [describe(genes["symbol"].tolist())]
    if "orthologs" in genes:
        lines.append(describe_orthologs(genes, config))
    return [line for line in lines if line is not None]


def describe_orthologs(genes: pd.DataFrame, config: OwnCells) -> str:
    """How many genes have orthologs, and where from."""
    counts = genes["orthologs"].map(lambda joined: len(joined.split(BETWEEN)) if joined else 0)
    several = int((counts > 1).sum())
    more = f", {several} of them several, all of which count" if several else ""
    return f"{int((counts > 0).sum())} of {len(genes)} genes are in {config.orthologs}{more}"


def hint_of_symbols(config: OwnCells, genes: Collection[str]) -> str | None:
    """Where in var more genes of gene sets stand than in the names that are used, or None."""
    with open_cells(config) as file:
        var = file.table_of_genes()
        return _hint({str(name): var[name] for name in var}, file.genes, file.config, genes)


def hint_in_memory(adata: anndata.AnnData, config: OwnCells, genes: Collection[str]) -> str | None:
    """The same of cells in memory."""
    config = found_in_memory(adata, config).config
    var = table_of_genes(adata, config)
    return _hint({str(name): var[name] for name in var}, var.index, config, genes)


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
