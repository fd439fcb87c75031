"""When a feature counts as local, regional, global or dead, its name, and what it may follow."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Lt, MinLen

from featurelens.options import STRICT

CellType = Annotated[str, MinLen(1)]
LEAST_IN_STAGE = 5
"""Fewest cells of a type whose mean activation stands for a stage."""


@dataclass(frozen=True, kw_only=True)
class FeatureConfig:
    """Statistics of single features."""

    __pydantic_config__ = STRICT

    alpha: Annotated[float, Gt(0), Lt(1)] = 0.05
    """False discovery rate of the corrected locality, and of the type that names a feature."""
    z: Annotated[float, Gt(0)] = 1.96
    """Number of summed standard errors in the published locality."""
    min_fold: Annotated[float, Gt(1)] = 2.0
    """Corrected: types are high whose mean is at least this part of the top type's, so that a
    feature is local if its top type has more than this many times the runner-up's mean."""
    n_shuffles: Annotated[int, Ge(19)] = 199
    """Corrected: shuffles of the cells' types that a type must stand out against."""
    seed: Annotated[int, Ge(0)] = 0
    """Of the shuffles."""
    min_share: Annotated[float, Ge(0), Lt(1)] = 0.5
    """A feature is named for a cell type that holds more than this share of its activation."""
    min_type_cells: Annotated[int, Ge(1)] = 5
    """Fewest cells of that type that activate the feature; types of fewer cells are not looked at
    by the corrected locality."""


@dataclass(frozen=True, kw_only=True)
class ComparisonConfig:
    """Two groups of cells, of which the features are sought that differ.

    Donors are compared, not cells: without two of them a side there are effect sizes alone.
    """

    __pydantic_config__ = STRICT

    column: CellType
    """Column of obs with the groups; cell_type and batch are those that the dataset names."""
    first: CellType
    """Label of the first group."""
    second: CellType
    """Label of the second group, whose activation is taken relative to the first."""
    sample: CellType | None = None
    """Column of obs with the donor or sample; null takes one named donor, donor_id, sample,
    sample_id, patient or individual, where there is one."""
    only: dict[str, str] = field(default_factory=dict)
    """Columns of obs and the value in each that the compared cells must have."""
    test: Literal["t", "rank"] = "t"
    """Welch's t, paired where donors have cells in both groups, or rank sums (signed ranks)."""
    min_cells: Annotated[int, Ge(1)] = 10
    """Donors with fewer cells in a group are left out of it."""

    def __post_init__(self) -> None:
        if self.first == self.second:
            raise ValueError(f"first and second are both {self.first!r}; name two groups")


@dataclass(frozen=True, kw_only=True)
class TrajectoryConfig:
    """Cell types in the order of a process, or two of them as a contrast, and what to hold against.

    Features that rise along it are found by the paper's three filters (appendix A.3.2) and ranked.
    """

    __pydantic_config__ = STRICT

    stages: Annotated[tuple[CellType, ...], MinLen(2)]
    """Cell types from the start to the end."""
    contrast: tuple[CellType, ...] = ()
    """Cell types that the later stages must exceed; none means all that are no stage."""

    def __post_init__(self) -> None:
        repeated = [name for name, count in Counter(self.stages).items() if count > 1]
        if repeated:
            raise ValueError(f"stages name {repeated[0]!r} twice; name each type once")
        both = [name for name in self.contrast if name in self.stages]
        if both:
            raise ValueError(f"{both[0]!r} is a stage and in the contrast; leave it out of one")
