"""Which points of a sweep a table or figure shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from featurelens.sae.listing import paper_architectures

if TYPE_CHECKING:
    import pandas as pd

SHOWN = ("architecture", "expansion", "l1", "k", "learning_rate", "trained", "d_sae")
"""Columns of a point that tables of several sweeps show beside what was measured."""


def fully_trained(points: pd.DataFrame) -> pd.DataFrame:
    """Points of which every weight was trained; the others are baselines."""
    return points[points["trained"] == "all"]


def whole_seeds(points: pd.DataFrame) -> pd.DataFrame:
    """Points of the seeds that have most of them: those of a whole grid.

    A sweep may repeat chosen points with further seeds. A mean over settings must not count
    these more often, nor compare seeds that stand for different settings.
    """
    counts = points["seed"].map(points["seed"].value_counts())
    return points[counts == counts.max()]


def by_architecture(table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Rows of every architecture, the paper's three first."""
    groups = {str(name): rows for name, rows in table.groupby("architecture", sort=True)}
    paper = [name for name in paper_architectures() if name in groups]
    return [(name, groups[name]) for name in [*paper, *(n for n in groups if n not in paper)]]
