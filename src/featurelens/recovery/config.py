"""Choices of the measures of recovery: baselines, chance levels, structure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge

from featurelens.options import STRICT

PERCENTILES = (1, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 99)
"""Where the paper cuts similarities of neurons and genes into a pseudo-connectivity."""


@dataclass(frozen=True, kw_only=True)
class StructureConfig:
    """Recovery of the simulation's connectivity from the activations of chosen points."""

    __pydantic_config__ = STRICT

    select: dict[str, str | int | float]
    """Fields and values that a point must have to be used, such as architecture: relu."""
    percentiles: tuple[Annotated[float, Ge(0)], ...] = PERCENTILES
    """Percentiles of cosine similarity at which features and genes count as connected."""
    n_permutations: Annotated[int, Ge(1)] = 10
    """Permutations of the null, which keep each feature's number of genes."""
    n_margin_draws: Annotated[int, Ge(0)] = 2
    """Draws of the stricter null, which keep each gene's number of features, too."""
    seed: int = 0
    """Seed of the permutations."""


@dataclass(frozen=True, kw_only=True)
class BaselineConfig:
    """Linear decompositions of the observables that the SAEs are compared with."""

    __pydantic_config__ = STRICT

    methods: tuple[Literal["pca", "ica", "svd", "nmf"], ...] = ("pca", "ica", "svd")
    """Which decompositions."""
    n_components: Annotated[int, Ge(1)] = 4
    """Components to ask for; more than the rank of the data are never kept."""
    n_cells: Annotated[int, Ge(0)] = 0
    """Training cells, evenly spaced, that are decomposed and measured; 0 takes all cells of the
    simulation."""
    seed: int = 0
    """Seed of FastICA and of the randomised SVD."""


@dataclass(frozen=True, kw_only=True)
class ChanceConfig:
    """Random neurons that go through the scores of structure recovery."""

    __pydantic_config__ = STRICT

    n_neurons: Annotated[int, Ge(1)] = 12_000
    """How many; the SAE that the paper analyses has 11,849 live ones."""
    percentiles: tuple[Annotated[float, Ge(0)], ...] = PERCENTILES
    """Percentiles whose share of edges they have."""
    seed: Annotated[int, Ge(0)] = 0
    """Seed of their edges."""
