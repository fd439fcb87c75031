"""Where an embedding lies that exists already."""

from dataclasses import dataclass
from pathlib import PurePath
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, Lt

from featurelens.datasets.config import Text
from featurelens.embeddings.decoders.config import RidgeSurrogate
from featurelens.embeddings.model import Model
from featurelens.options import File

TABLES = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".parquet")
STORES = (".h5ad", ".zarr")
EMBEDDING_SUFFIXES = (*STORES, ".npy", ".pt", *TABLES)


def suffix_of(path: str) -> str:
    """The end of a file's name that says its form, with what it says of compression.

    Examples
    --------
    >>> suffix_of("scvi.v2.csv.gz"), suffix_of("a.npy")
    ('.csv.gz', '.npy')
    """
    suffixes = PurePath(path).suffixes
    return "".join(suffixes[-2:] if suffixes[-1:] == [".gz"] else suffixes[-1:])


@dataclass(frozen=True, kw_only=True)
class PrecomputedModel(Model):
    """An embedding that exists already, in the cells' own file or in another one."""

    is_given: ClassVar[bool] = True

    kind: Literal["precomputed"] = "precomputed"
    """Which model."""
    key: Text | None = None
    """Key of obsm with the embedding (of a dictionary, where path is a .pt file of one); X, or null
    where it has nothing else, is the matrix of a file of its own."""
    path: File | None = None
    """Another file with it: .h5ad, .zarr, .npy, .pt, .parquet, .csv or .tsv (or .gz of them); null
    looks in the cells' own file."""
    names: File | None = None
    """Text file with the cell names of a .npy or .pt file, one a line, in the order of its rows."""
    max_missing: Annotated[float, Ge(0), Lt(1)] = 0.5
    """Largest share of cells that may have no embedding (a row of NaN); these are left out and
    counted, and of more the run stops."""
    rows: Literal["cells", "tokens"] = "cells"
    """What a row of that file is: a cell, or a token (a gene of a cell), of which a cell has many;
    SAEs are then trained on tokens, and their activations pooled to cells."""
    cell_column: Text | None = None
    """Tokens in an .h5ad or .zarr: column of its obs that names each row's cell; the other files
    name the cell of each row as they name cells."""
    pooling: Literal["max", "mean"] = "max"
    """Tokens: a cell's activation is the largest of its tokens', or their mean; the other one is
    kept beside it."""
    factors: Text | None = None
    """Key of varm with non-negative gene factors that decode it; null means no decoder."""
    surrogate: RidgeSurrogate | None = None
    """Fit a decoder afterwards, marked as surrogate wherever it is used; null fits none."""

    def __post_init__(self) -> None:
        if self.factors is not None and self.surrogate is not None:
            raise ValueError("factors and surrogate are two decoders of one embedding; keep one")
        self._check_tokens()
        if self.path is None:
            if self.key is None:
                raise ValueError("key is missing; name the embedding's key in obsm, or give a path")
            if self.names is not None:
                raise ValueError("names belong to a .npy or .pt file; give its path, or drop names")
            return
        suffix = suffix_of(self.path)
        if suffix not in EMBEDDING_SUFFIXES:
            allowed = ", ".join(EMBEDDING_SUFFIXES)
            raise ValueError(f"path ends in {suffix!r}; embeddings are read from {allowed}")
        if (suffix in (".npy", ".pt")) != (self.names is not None):
            rule = "needs a text file of cell names" if self.names is None else "brings its own"
            raise ValueError(f"names: a {suffix} file {rule}")
        if suffix in (".npy", *TABLES) and self.key is not None:
            raise ValueError(f"key: a {suffix} file has no keys; drop it")

    def _check_tokens(self) -> None:
        if self.rows == "cells":
            if self.cell_column is not None:
                raise ValueError(
                    "cell_column names the cells of tokens; write rows: tokens, or drop it"
                )
            return
        if self.path is None:
            raise ValueError("path is missing; tokens are read from a file of their own")
        if (suffix_of(self.path) in STORES) != (self.cell_column is not None):
            rule = "is missing" if self.cell_column is None else "is for .h5ad and .zarr alone"
            raise ValueError(f"cell_column {rule}; it is the column of obs with each token's cell")
        if self.has_decoder:
            raise ValueError("tokens are not decoded to expression; drop factors and surrogate")

    @property
    def has_decoder(self) -> bool:
        """Whether expression can be decoded."""
        return self.factors is not None or self.surrogate is not None

    @property
    def has_token_rows(self) -> bool:
        """Whether its rows are no cells but tokens in cells, whose activations are pooled."""
        return self.rows == "tokens"


MODEL = PrecomputedModel
