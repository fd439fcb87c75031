"""Two halves of the cells: of their batches, or of the cells of each type and batch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from featurelens.enrichment.config import ConfirmationConfig
from featurelens.io import InputError


@dataclass(frozen=True)
class Halves:
    """Positions of the cells that declare terms and of those that confirm them, in order."""

    declaring: NDArray[np.int64]
    confirming: NDArray[np.int64]
    how: str
    """What the confirming half is, in words."""


def split_in_halves(cells: pd.DataFrame, config: ConfirmationConfig) -> Halves:
    """Divide cells at random, by the seed of the config.

    By batch, whole batches (donors) come to either half: the largest first, each to the half that
    has fewer cells so far, by lot where batches or halves are equal. By cells, every type of every
    batch is halved; of an odd number the cell that is left over comes to either half in turn.

    Parameters
    ----------
    cells
        Columns ``batch`` and ``cell_type``.

    Raises
    ------
    InputError
        If batches are to be divided and there is only one.

    Examples
    --------
    Three donors of 4, 1 and 2 cells: the first is alone in its half, by whatever seed.

    >>> cells = pd.DataFrame({"batch": list("aaaabcc"), "cell_type": "T"})
    >>> halves = split_in_halves(cells, ConfirmationConfig(seed=1))
    >>> sorted([len(halves.declaring), len(halves.confirming)])
    [3, 4]
    """
    rng = np.random.default_rng(config.seed)
    batch = pd.factorize(cells["batch"].astype(str), sort=True)[0]
    n_batches = int(batch.max(initial=-1)) + 1
    if config.by == "batch" and n_batches < 2:
        raise InputError(
            "enrichment.confirmation.by is 'batch', but all cells are of one batch; name a column "
            "of obs as 'batch' of the cells, or write by: cells"
        )
    if config.by == "cells" or n_batches < 2:
        confirms = _of_cells(cells, rng)
        how = "half of the cells of each type" + (" and batch" if n_batches > 1 else "")
    else:
        chosen = _of_batches(np.bincount(batch), rng)
        confirms = chosen[batch]
        how = f"{int(chosen.sum())} of {n_batches} batches"
    return Halves(np.flatnonzero(~confirms), np.flatnonzero(confirms), how)


def _of_batches(sizes: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.bool_]:
    """Which batches confirm."""
    confirms = np.zeros(len(sizes), dtype=bool)
    order = rng.permutation(len(sizes))
    ahead = rng.choice([-0.5, 0.5])  # cells that the confirming half has more
    for batch in order[np.argsort(-sizes[order], kind="stable")]:
        confirms[batch] = ahead < 0
        ahead += sizes[batch] if confirms[batch] else -sizes[batch]
    return confirms


def _of_cells(cells: pd.DataFrame, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Which cells confirm: every other one of a random order within each type and batch."""
    groups = [cells[name].astype(str).to_numpy() for name in ("batch", "cell_type")]
    order = rng.permutation(len(cells))
    order = order[np.lexsort([group[order] for group in groups])]
    confirms = np.zeros(len(cells), dtype=bool)
    confirms[order[1::2]] = True
    return confirms
