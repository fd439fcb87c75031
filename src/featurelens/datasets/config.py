"""Cells that a run reads: those that ship with scanpy, or the user's own."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from annotated_types import MinLen

from featurelens.options import STRICT, File, Name

Text = Annotated[str, MinLen(1)]

X, RAW = "X", "raw.X"
"""Places of counts that are no layers."""


@dataclass(frozen=True, kw_only=True)
class Pbmc68kReduced:
    """700 blood cells with 765 genes that scanpy ships; integer counts are recovered exactly."""

    __pydantic_config__ = STRICT

    kind: Literal["pbmc68k_reduced"] = "pbmc68k_reduced"
    """Which reader."""


@dataclass(frozen=True, kw_only=True)
class OwnCells:
    """Cells with raw counts: ``.h5ad``, ``.h5mu``, AnnData's ``.zarr``, or what Cell Ranger writes.

    What is not given is found in the file (:mod:`featurelens.datasets.found`) and said.
    """

    __pydantic_config__ = STRICT

    kind: Literal["h5ad"] = "h5ad"
    """Which reader."""
    path: File
    """The file, or the folder of a Zarr store or of 10x Genomics, relative to the working
    directory."""
    cell_type: Text | Literal[False] | None = None
    """Column of obs with the cell type; null finds it, false puts all cells into one type. Labels
    such as unknown and na are no type."""
    counts_layer: Text | None = None
    """Where the raw counts are: X, raw.X or the name of a layer; null finds them."""
    batch: Text | Literal[False] | None = None
    """Column of obs with the batch; null takes donor_id where it can be one, false puts all cells
    into one."""
    symbol: Text | None = None
    """Column of var with gene symbols; null takes the names of var, or a column such as
    feature_name where they are ids or numbers."""
    ensembl: Text | None = None
    """Column of var with Ensembl gene ids; null takes a column of such a name and content, or else
    the names of var where they are such ids."""
    orthologs: File | None = None
    """Table of genes of these cells and their orthologs in the species of the gene sets: two
    columns, BioMart's, or MGI's HOM_MouseHumanSequence.rpt."""
    trim_names: bool = False
    """Read genes named GRCh38_CD3D, CD3D|ENSG00000167286, ENSG00000167286_CD3D as CD3D, and R's
    HLA.DRA as HLA-DRA."""
    library: Text | None = None
    """Column of obs with the total count of a cell, such as GEX_n_counts; null sums the counts of
    the genes kept. Published expression is decoded times this."""
    modality: Text | None = None
    """Modality to keep, by its name in modality_column, or in a .h5mu file by its own name."""
    modality_column: Text = "modality"
    """Column of var with the modality of each feature; not used for .h5mu files."""
    beside: dict[Name, Text] = field(default_factory=dict)
    """Further modalities of the same cells, a name of one's own to that in the file; they lie
    beside the cells and are read by comparisons of modalities alone."""
    only: dict[str, str] | None = None
    """Columns of obs and the value in each that cells must have; the others are left out."""

    def __post_init__(self) -> None:
        if self.beside and self.modality is None:
            raise ValueError("beside names further modalities; say with modality which one is kept")
        if self.modality in self.beside.values():
            raise ValueError(f"beside names {self.modality!r}, the modality that is kept; drop it")

    @property
    def counts(self) -> str:
        """Place of the counts in the file."""
        place = self.counts_layer or X
        return place if place in (X, RAW) else f"layers[{place!r}]"


DatasetConfig = Pbmc68kReduced | OwnCells
