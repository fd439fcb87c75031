"""What a control is: one entry of a file in ``controls/kinds``, found by name.

What is a literal in an entry is read by :mod:`featurelens.features.sources` without importing the
file, so that the workflow knows names of controls while it plans.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from featurelens.plugins import load

if TYPE_CHECKING:
    import anndata
    import numpy as np

    from featurelens.sae.config import TrainedPart
    from featurelens.sae.model import SAE

KINDS = "featurelens.controls.kinds"


class Components(NamedTuple):
    """Scores of cells on some components."""

    scores: np.ndarray
    """(n_cells, n_components) float64."""
    centre: np.ndarray | None
    """Where a signed component is cut into its two ends, (n_components,); None if not negative."""
    converged: bool = True
    """False where an iteration ended at its last step."""


@dataclass(frozen=True, kw_only=True)
class Control:
    """A source of features that is no trained SAE. It has one of trained, draw and components."""

    of: Literal["sae", "cells"]
    """Whether every SAE has one, or the cells."""
    label: str
    """What figures call it."""
    place: int = 99
    """Its place in figures, from the top."""
    repeatable: bool = True
    """Whether it is another one with another seed."""
    trained: TrainedPart | None = None
    """Of an SAE: what training may change, else as the SAE."""
    draw: Callable[[SAE, np.ndarray, int], SAE] | None = None
    """Of an SAE: (the trained SAE, its data (n_cells, d_in), seed) to other weights."""
    components: Callable[[anndata.AnnData, int, int], Components] | None = None
    """Of the cells: (cells as in a bundle, number of components, seed) to their scores."""
    as_many: bool = True
    """Whether there are as many components as asked for, where their rank allows it."""


def load_control(kind: str) -> Control:
    """Look up a control.

    Raises
    ------
    LookupError
        If there is none of that name; the message lists those there are.
    """
    found: Control = load(KINDS, kind).CONTROL
    return found
