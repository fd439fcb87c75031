"""Simulations with known truth: small, hierarchical and zipf."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le, Lt

from featurelens.options import STRICT

REGULATION = ((0, 1, 1, 0, 0), (1, 1, 0, 1, 0), (0, 0, 0, 1, 1))


@dataclass(frozen=True, kw_only=True)
class SmallSimulation:
    """The paper's small model: 3 programs, 5 genes."""

    __pydantic_config__ = STRICT

    kind: Literal["small"] = "small"
    """Which simulation this is."""
    n_cells: Annotated[int, Ge(2)] = 12_000
    """How many cells are drawn."""
    n_validation: Annotated[int, Ge(1)] = 2_000
    """How many of them, counted from the end, are held out for validation."""
    seed: Annotated[int, Ge(0), Lt(2**32)] = 0
    """Seed of the draw; 0 with the default sizes gives the author's own cells."""

    def __post_init__(self) -> None:
        if self.n_validation >= self.n_cells:
            raise ValueError(
                f"n_validation ({self.n_validation}) must be smaller than n_cells ({self.n_cells})"
            )


@dataclass(frozen=True, kw_only=True)
class HierarchicalSimulation:
    """The paper's large model: programs, shifted by batch, masked by cell type, summed into genes.

    Published size: 100,000 cells, 20,000 genes, 100 programs, 40 cell types, 3 batches.
    """

    __pydantic_config__ = STRICT

    kind: Literal["hierarchical"] = "hierarchical"
    """Which simulation this is."""
    n_cells: Annotated[int, Ge(2)] = 3_000
    """How many cells are drawn, in blocks of 10,000."""
    n_genes: Annotated[int, Ge(1)] = 500
    """How many observed variables Y there are."""
    n_programs: Annotated[int, Ge(1)] = 20
    """How many core programs X there are; program i is Poisson with rate 1 + 0.1 i."""
    n_cell_types: Annotated[int, Ge(1)] = 8
    """How many levels the cell type A has."""
    n_batches: Annotated[int, Ge(1)] = 3
    """How many levels the batch B has."""
    edge_probability: Annotated[float, Gt(0), Le(1)] = 0.1
    """Probability that a program acts on a gene."""
    active_probability: Annotated[float, Gt(0), Le(1)] = 0.3
    """Probability that a program is on in a cell type."""
    batch_sd: Annotated[float, Ge(0)] = 0.1
    """Standard deviation of the shift that batch b adds to a cell, whose mean is b."""
    validation_fraction: Annotated[float, Gt(0), Lt(1)] = 0.1
    """Share of the cells, counted from the end, that is held out for validation."""
    observables: Literal["stored", "implicit"] = "stored"
    """implicit does not store Y, which is made from X'' and the connectivity where it is needed; a
    large Y does not fit into memory."""
    seed: Annotated[int, Ge(0), Lt(2**32)] = 0
    """Seed of the draw; 0 at published size gives the author's connectivity and cells."""

    def __post_init__(self) -> None:
        if self.n_validation < 1:
            raise ValueError(
                f"validation_fraction ({self.validation_fraction}) of n_cells ({self.n_cells}) "
                "leaves no validation cell"
            )

    @property
    def n_validation(self) -> int:
        """Number of validation cells, rounded down as the author does."""
        return int(self.n_cells * self.validation_fraction)


@dataclass(frozen=True, kw_only=True)
class ZipfSimulation:
    """Sparse features with Zipf frequencies, a hierarchy and correlations, in superposition."""

    __pydantic_config__ = STRICT

    kind: Literal["zipf"] = "zipf"
    """Which simulation this is."""
    n_cells: Annotated[int, Ge(2)] = 20_000
    """How many cells are drawn."""
    n_features: Annotated[int, Ge(1)] = 100
    """How many true features there are; feature 0 is the most frequent."""
    n_dimensions: Annotated[int, Ge(2)] = 20
    """Dimensions of a cell's dense vector, which is observed."""
    exponent: Annotated[float, Ge(0)] = 1.0
    """Exponent of the firing probabilities over their ranks; 0 gives all the same."""
    max_probability: Annotated[float, Gt(0), Lt(1)] = 0.3
    """Share of the cells in which the most frequent feature fires."""
    min_probability: Annotated[float, Gt(0), Lt(1)] = 0.01
    """Share of the cells that no feature fires less often than."""
    n_roots: Annotated[int, Ge(1)] = 20
    """Features without a parent, the most frequent ones."""
    branching: Annotated[int, Ge(1)] = 3
    """Children per feature below the roots, in order of frequency."""
    correlation: Annotated[float, Ge(0), Lt(1)] = 0.2
    """Share of the variance behind a feature's firing that a few common factors carry."""
    n_factors: Annotated[int, Ge(1)] = 5
    """Number of these factors."""
    magnitude_sd: Annotated[float, Ge(0)] = 0.3
    """Standard deviation of a firing feature's activation, which has mean 1 before folding at 0."""
    noise_sd: Annotated[float, Ge(0)] = 0.02
    """Standard deviation of independent noise in every dimension."""
    validation_fraction: Annotated[float, Gt(0), Le(0.5)] = 0.1
    """Share of the cells, counted from the end, that is marked for validation."""
    seed: Annotated[int, Ge(0), Lt(2**32)] = 0
    """Seed of the draw."""

    def __post_init__(self) -> None:
        if self.min_probability > self.max_probability:
            raise ValueError(
                f"min_probability ({self.min_probability}) is above max_probability "
                f"({self.max_probability})"
            )
        if self.n_roots > self.n_features:
            raise ValueError(
                f"n_roots ({self.n_roots}) is above n_features ({self.n_features}); "
                "every root is a feature"
            )


SimulationConfig = SmallSimulation | HierarchicalSimulation | ZipfSimulation
