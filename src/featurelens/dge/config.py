"""Which cells are compared for each feature, and how genes are tested."""

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Lt, MinLen

from featurelens.conventions import Composition, ExpressionSource
from featurelens.options import STRICT

Contrast = Literal["global", "within_type"]
LowCells = Literal["all", "sample", "first"]


_LARGE = 2**28
"""Values of expression above which ``precision: auto`` means float32: 2 GiB of float64."""


@dataclass(frozen=True, kw_only=True)
class HighLowConfig:
    """High against low cells of one type, as the paper compares them (section 5.2)."""

    __pydantic_config__ = STRICT

    cell_type: Annotated[str, MinLen(1)]
    """The type."""
    features: tuple[Annotated[int, Ge(0)], ...] | Literal["steered"] = ()
    """Features by number; steered takes the global one that cells are steered with; none takes
    local features that are named for the type."""
    n_features: Annotated[int, Ge(1)] = 3
    """How many of these, those that stand out most first."""
    percent: Annotated[float, Gt(0), Lt(50)] = 5.0
    """Percent of the type's active cells that are high, and low."""
    modality: Annotated[str, MinLen(1)] | None = None
    """Further modality of the cells, by its name in 'beside', compared on its own columns."""

    @property
    def numbers(self) -> tuple[int, ...]:
        """Features that are named by number."""
        return () if self.features == "steered" else self.features


@dataclass(frozen=True, kw_only=True)
class DgeConfig:
    """High and low cells of a feature, and the expression they are compared on."""

    __pydantic_config__ = STRICT

    contrasts: tuple[Contrast, ...] = ("global", "within_type")
    """Which low cells: any (global), or of the high cells' own types and batches (within_type)."""
    high_percentile: Annotated[float, Gt(0), Lt(100)] = 99.0
    """Cells above this percentile of the feature, over all cells, are high."""
    min_cells: Annotated[int, Ge(2)] = 20
    """Corrected: fewest cells in the high and in the low set; features with fewer are skipped."""
    min_zero_cells: Annotated[int, Ge(2)] = 100
    """Corrected: with fewer inactive cells than this, the lowest cells are the low set instead."""
    low_percentile: Annotated[float, Gt(0), Lt(100)] = 5.0
    """Corrected: percent of all cells in such a low set."""
    min_matched: Annotated[int, Ge(2)] = 5
    """Within type: high cells whose type and batch hold fewer low cells than this are left out."""
    low_cells: LowCells = "all"
    """Published: all inactive cells (the script), a sample (the text) or the first (the tool)."""
    max_low_cells: Annotated[int, Ge(2)] = 1000
    """Published: most low cells where they are sampled, or the first."""
    seed: Annotated[int, Ge(0)] = 0
    """Published: draws the sample of low cells, for each feature on its own."""
    chosen: tuple[Annotated[int, Ge(0)], ...] = ()
    """Features, by number, that are also tested by rank sums and negative binomial regression."""
    expression: ExpressionSource = "decoded"
    """Expression decoded from the embedding, or measured counts; available: decoded where the model
    has a decoder of its own, measured where it has none. Corrected: at the common library and one
    covariate code; published: with each cell's own library and code, or the raw counts."""
    library: Annotated[float, Gt(0)] = 1e4
    """Corrected: library size that expression is given at (counts per cell)."""
    pseudocount: Annotated[float, Gt(0)] = 0.1
    """Corrected: added to both means before their ratio, in counts at the common library."""
    composition: Composition = "typical_gene"
    """Corrected: high cells are brought to the level at which the typical gene does not change, so
    that a loud gene makes no others fall; raw compares shares of the library as they are."""
    precision: Literal["auto", "float64", "float32"] = "auto"
    """Of expression and of t in the tables; auto is float32 above 2**28 values (cells x genes)."""

    def precision_of(self, shape: tuple[int, int]) -> Literal["float64", "float32"]:
        """The precision for expression of a shape (n_cells, n_genes)."""
        if self.precision == "auto":
            return "float32" if shape[0] * shape[1] > _LARGE else "float64"
        return self.precision
