"""A feature among its controls: one table, in which everything moves the cells equally far."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from featurelens.means import Log, silent
from featurelens.progress import Progress
from featurelens.sae.random_directions import unit_rows
from featurelens.steering.arms import mean_difference, most_alike, probe_direction
from featurelens.steering.config import FEWEST_CELLS, SteeringConfig
from featurelens.steering.edits import Edited, SparseAutoencoder
from featurelens.steering.effects import Reading
from featurelens.steering.judge import Judge, draws_of
from featurelens.steering.movement import Centroids
from featurelens.steering.nulls import lengths, pushed
from featurelens.steering.truth import halves, measured_difference

if TYPE_CHECKING:
    from featurelens.embeddings.bundle import Bundle

KINDS = {
    "feature": "feature",
    "matched_features": "matched features",
    "random_directions": "random directions",
    "mean_difference": "difference of means",
    "linear_probe": "linear probe",
    "untrained": "untrained SAE",
    "frozen": "frozen decoder",
}
"""Kinds of rows, and what figures call them, in their order."""
N_MATCHED = 50
"""Matched features that are shown."""


@dataclass(frozen=True)
class Held:
    """Cells that directions are fitted on, and cells that everything is judged by."""

    fitted: np.ndarray
    """Mask, (n_cells,)."""
    judged: np.ndarray
    """Mask, (n_cells,)."""
    how: str
    """In words."""


def hold_out(cells: pd.DataFrame, donor: np.ndarray, config: SteeringConfig) -> Held:
    """Cells marked ``test`` in obs['split'] where both types have enough, else a half of all."""
    labels = cells["cell_type"].astype(str).to_numpy()
    tested = (
        cells["split"].astype(str).to_numpy() == "test"
        if "split" in cells
        else np.zeros(len(cells), dtype=bool)
    )
    ends = [labels == config.origin, labels == config.target]
    if all((tested & end).sum() >= FEWEST_CELLS for end in ends):
        return Held(~tested, tested, "cells whose split is test")
    rng = np.random.default_rng(config.seed)
    return Held(*halves(labels, donor, rng=rng), "half of the cells of every type and donor")


@dataclass(frozen=True, eq=False)
class Comparison:
    """The feature among its controls."""

    table: pd.DataFrame
    """kind, control, matched_to_r (of untrained and frozen: Pearson r of the activations), n_cells,
    n_donors, held_out, and what :meth:`featurelens.steering.judge.Judge.measure` gives; one row
    an edit, controls without intervals."""
    true_log2_fold: np.ndarray = field(default_factory=lambda: np.empty(0))
    """Measured difference of every gene, (n_genes,); empty where nothing decodes."""
    true_t: np.ndarray = field(default_factory=lambda: np.empty(0))

    def lines(self) -> Iterator[str]:
        """What wins, a line each measure, and whether donors say anything."""
        if (self.table["n_donors"] < 2).all():
            yield "all judged cells are of one donor: intervals are over cells alone"
        for name in ("efficiency", "specificity", "precision"):
            line = verdict(self.table, name)
            if line:
                yield line


def compare(
    bundle: Bundle,
    rows: np.ndarray,
    edited: Edited,
    config: SteeringConfig,
    *,
    controls: Mapping[str, tuple[list[str], np.ndarray]],
    activation: np.ndarray,
    others: Mapping[str, SparseAutoencoder],
    donor: np.ndarray,
    reading: Reading | None,
    log: Log = silent,
) -> Comparison:
    """Judge an edit, and everything else that moves the same cells equally far.

    Parameters
    ----------
    rows
        Positions of the edited cells, (n,).
    edited
        These cells before and after.
    controls
        Kind to names and directions (n_controls, d).
    activation
        Of the edited feature in all cells (n_cells,); what the features of ``others`` are matched
        to.
    others
        SAEs whose most similar feature takes part, by kind.
    donor
        Of all cells.
    reading
        Of the edited cells; None where nothing decodes.
    log
        Receives how far it is.
    """
    obs = bundle.cells.obs
    labels = obs["cell_type"].astype(str).to_numpy()
    held = hold_out(obs, donor, config)
    judged = held.judged[rows]
    ends = {
        name: [np.flatnonzero(mask & (labels == kind)) for kind in (config.origin, config.target)]
        for name, mask in (("fitted", held.fitted), ("judged", held.judged))
    }
    truth = None
    if reading is not None:
        truth = measured_difference(
            bundle, *ends["judged"], pseudocount=config.pseudocount, library=config.library
        )
    judge = Judge(
        before=edited.before[judged],
        centroids=Centroids.of(bundle.embedding[held.judged], labels[held.judged]),
        target=config.target,
        origin=config.origin,
        donor=donor[rows][judged],
        draws=draws_of(
            int(judged.sum()), config.n_resamples, np.random.default_rng(config.seed + 1)
        ),
        reading=None if reading is None else reading.some(judged),
        truth=truth,
    )
    length = lengths(edited.before, edited.after)[judged]
    fitted = [bundle.embedding[positions] for positions in ends["fitted"]]
    table = [{"kind": "feature", "control": ""} | judge.measure(edited.after[judged])]
    for row, direction in _others(fitted, bundle.embedding, activation, others):
        table.append(row | judge.measure(pushed(judge.before, length, direction)))
    n_controls = sum(len(names) for names, _ in controls.values())
    progress = Progress(log, n_controls, "controls", "an edit compared with its controls")
    for kind, (names, directions) in controls.items():
        for name, direction in zip(names, unit_rows(directions), strict=True):
            after = pushed(judge.before, length, direction)
            row = {"kind": kind, "control": name}
            table.append(row | judge.measure(after, intervals=False))
            progress.advance()
    about: dict[str, Any] = {
        "n_cells": int(judged.sum()),
        "n_donors": len(set(judge.donor)),
        "n_genes": truth.n_true if truth is not None else 0,
        "held_out": held.how,
    }
    return Comparison(
        table=pd.DataFrame(table).assign(**about),
        true_log2_fold=np.empty(0) if truth is None else truth.log2_fold,
        true_t=np.empty(0) if truth is None else truth.t,
    )


def _others(
    fitted: list[np.ndarray],
    embedding: np.ndarray,
    activation: np.ndarray,
    others: Mapping[str, SparseAutoencoder],
) -> Iterator[tuple[dict[str, Any], np.ndarray]]:
    """Rows and unit vectors of what else leads to the target."""
    yield {"kind": "mean_difference", "control": ""}, mean_difference(*fitted)
    yield {"kind": "linear_probe", "control": ""}, probe_direction(*fitted)
    for kind, sae in others.items():
        feature, r = most_alike(sae, embedding, activation)
        row = {"kind": kind, "control": str(feature), "matched_to_r": r}
        yield row, unit_rows(sae.directions[[feature]])[0]


def verdict(table: pd.DataFrame, measure: str) -> str:
    """Whether the feature beats the difference of means and its controls by one measure.

    Returns
    -------
    str
        One line; empty where the measure is not known.
    """
    of = table.set_index("kind")[measure]
    mine, means = float(of["feature"]), float(of["mean_difference"])
    if not np.isfinite(mine):
        return ""
    pool = table.loc[table["kind"].isin(["matched_features", "random_directions"]), measure]
    pool = pool[np.isfinite(pool)]
    word = "wins" if means > mine else "ties" if means == mine else "loses"
    line = f"{measure}: feature {mine:.2f}, difference of means {means:.2f} ({word})"
    if len(pool):
        line += f"; {int((pool >= mine).sum())} of {len(pool)} controls do as well as the feature"
    return line
