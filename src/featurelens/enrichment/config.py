"""Which tests, nulls and filters annotate features with gene sets; what GSEA looks at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le, Lt

from featurelens.conventions import Convention
from featurelens.genesets.config import UniverseConfig
from featurelens.options import STRICT


@dataclass(frozen=True, kw_only=True)
class GseaConfig:
    """Features looked at by preranked GSEA; the sizes of gene sets are those of enrichment."""

    __pydantic_config__ = STRICT

    features: tuple[Annotated[int, Ge(0)], ...] = ()
    """Features by number, in every SAE."""
    top: Annotated[int, Ge(0)] = 0
    """And as many of the clearest annotated ones, one per cell type in turn."""
    collection: str | None = None
    """Name of the collection; null takes the first."""
    rank_by: Literal["t", "log2_fold"] = "t"
    """What genes are ranked by, from high against low cells (corrected, global)."""
    permutations: Annotated[int, Ge(100)] = 1000
    """Random gene sets behind every p."""
    n_shown: Annotated[int, Ge(1)] = 3
    """Terms drawn per feature and direction, those of the largest scores."""
    seed: Annotated[int, Ge(0)] = 0
    """Seed of the random gene sets."""

    def __post_init__(self) -> None:
        if not self.features and not self.top:
            raise ValueError("neither features nor top is given; say which features to look at")


NullName = Literal["complete", "beyond_type", "genes", "singly"]
Filter = Literal["kept_published_05", "kept_published_figures", "kept_fdr"]

FILTERS: dict[Convention, tuple[Filter, ...]] = {
    "published": ("kept_published_05", "kept_published_figures"),
    "corrected": ("kept_fdr",),
}
"""What each convention keeps: columns of the enrichment table."""

HIGHER = ("+", "up")
"""Directions of terms that a feature's high cells have more of, in either convention."""

PAPER_FILTER: Filter = "kept_published_figures"
"""The filter of the paper's figures of concepts."""

ALL_FILTERS = tuple(name for names in FILTERS.values() for name in names)


def convention_of(name: Filter) -> Convention:
    """The convention that a filter belongs to."""
    return next(convention for convention, filters in FILTERS.items() if name in filters)


@dataclass(frozen=True, kw_only=True)
class ConfirmationConfig:
    """Terms that one half of the cells declares, tested in the other half."""

    __pydantic_config__ = STRICT

    by: Literal["auto", "batch", "cells"] = "auto"
    """Halves of the batches (donors), or of the cells of each type and batch; auto: of the batches
    where there are several."""
    alpha: Annotated[float, Gt(0), Lt(0.5)] = 0.05
    """Corrected: a term holds where its p in the other half, one-sided in the direction declared,
    is at most this."""
    seed: Annotated[int, Ge(0)] = 0
    """Seed of the halves."""


@dataclass(frozen=True, kw_only=True)
class EnrichmentConfig:
    """Tests of gene sets, and what is kept of them."""

    __pydantic_config__ = STRICT

    min_genes: Annotated[int, Ge(1)] = 3
    """Gene sets with fewer genes in the data are not tested (the paper's bound is 10)."""
    max_genes: Annotated[int, Ge(1)] = 500
    """Gene sets with more genes in the data are not tested."""
    deg_p: Annotated[float, Gt(0), Le(1)] = 1e-5
    """Adjusted p below which a gene counts as selected."""
    fold: Annotated[float, Ge(1)] = 2.0
    """Fold change, up or down, beyond which a gene counts as selected."""
    alpha: Annotated[float, Gt(0), Lt(1)] = 0.05
    """Corrected: false discovery rate, of features and of terms within the declared features."""
    min_effect: Annotated[float, Ge(0), Lt(0.5)] = 0.1
    """Corrected: terms whose effect is nearer to one half than this are not kept."""
    nulls: tuple[NullName, ...] = ("complete", "beyond_type", "genes", "singly")
    """Nulls whose share of annotated features stands beside the real one."""
    n_permutations: Annotated[int, Ge(0)] = 20
    """Permutations of the null that calibrates p; below 20 is for tests, 0 means no null at all."""
    n_control_permutations: Annotated[int, Ge(1)] = 5
    """Permutations of each other null."""
    seed: Annotated[int, Ge(0)] = 0
    """Seed of the permutations."""
    confirmation: ConfirmationConfig | None = None
    """Declare terms on one half of the cells and confirm them on the other; null does not. Takes
    about as long as the annotation itself."""
    universe: UniverseConfig = field(default_factory=UniverseConfig)
    """Which genes of the data count, and how many of them the gene sets must have."""

    def __post_init__(self) -> None:
        if self.max_genes < self.min_genes:
            raise ValueError(f"max_genes {self.max_genes} is below min_genes {self.min_genes}")
        if self.n_permutations == 1:
            raise ValueError("n_permutations must be 0 or at least 2: each is judged by the others")
