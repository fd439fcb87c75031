"""What to embed and how: config classes of datasets and models.

Imports neither scanpy nor torch, because the workflow reads configs while it plans.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, MinLen

from featurelens.options import STRICT

Text = Annotated[str, MinLen(1)]


@dataclass(frozen=True, kw_only=True)
class Pbmc68kReduced:
    """700 blood cells with 765 genes that scanpy ships; integer counts are recovered exactly."""

    __pydantic_config__ = STRICT

    kind: Literal["pbmc68k_reduced"] = "pbmc68k_reduced"
    """Which reader."""


@dataclass(frozen=True, kw_only=True)
class OwnCells:
    """Cells of an ``.h5ad`` file with raw counts."""

    __pydantic_config__ = STRICT

    kind: Literal["h5ad"] = "h5ad"
    """Which reader."""
    path: Text
    """The file, relative to the working directory."""
    cell_type: Text
    """Column of obs with the cell type."""
    counts_layer: Text | None = None
    """Layer that holds the raw counts; null reads them from X."""
    batch: Text | None = None
    """Column of obs with the batch; null puts all cells into one."""
    symbol: Text | None = None
    """Column of var with gene symbols; null takes the names of var."""
    library: Text | None = None
    """Column of obs with the total count of a cell; null sums the counts of the file."""

    @property
    def counts(self) -> str:
        """Place of the counts in the file."""
        return "X" if self.counts_layer is None else f"layers[{self.counts_layer!r}]"


DatasetConfig = Pbmc68kReduced | OwnCells


@dataclass(frozen=True, kw_only=True)
class PCAModel:
    """Principal components of log1p counts per 10,000, decoded linearly."""

    __pydantic_config__ = STRICT

    kind: Literal["pca"] = "pca"
    """Which model."""
    n_components: Annotated[int, Ge(1)] = 20
    """Dimension of the embedding."""
    seed: int = 0
    """Seed of the eigensolver's starting vector."""


@dataclass(frozen=True, kw_only=True)
class PoissonNMFModel:
    """Non-negative factorisation of the counts under Poisson noise, in its multinomial form."""

    __pydantic_config__ = STRICT

    kind: Literal["poisson_nmf"] = "poisson_nmf"
    """Which model."""
    n_components: Annotated[int, Ge(1)] = 10
    """Number of factors, the dimension of the embedding."""
    iterations: Annotated[int, Ge(1)] = 300
    """Multiplicative updates; all of them are made."""
    seed: int = 0
    """Seed of the initialisation."""


@dataclass(frozen=True, kw_only=True)
class PrecomputedModel:
    """An embedding that the cells' file already holds."""

    __pydantic_config__ = STRICT

    kind: Literal["precomputed"] = "precomputed"
    """Which model."""
    key: Text
    """Key of obsm with the embedding."""
    factors: Text | None = None
    """Key of varm with non-negative gene factors that decode it; null means no decoder."""


ModelConfig = PCAModel | PoissonNMFModel | PrecomputedModel
