"""What an edit does as it grows: movement, and the genes that it changes most."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from featurelens.steering.edits import Edit, Selection, SparseAutoencoder, edit_cells
from featurelens.steering.effects import Reading, closed, log2
from featurelens.steering.movement import Centroids, movement

N_GENES = 10
"""Genes that are followed: those of the largest effect at dose 1."""
TAILS = (0.025, 0.975)
"""Quantiles over draws of cells that make an interval."""


def at_dose(edit: Edit, dose: float) -> Edit:
    """The same edit, so many times as strong; 1 is the edit itself.

    Examples
    --------
    >>> at_dose(Edit(0, "set", 2.0), 1.5).value, at_dose(Edit(0, "multiply", 3.0), 0).value
    (3.0, 1.0)
    >>> at_dose(Edit(0, "ablate"), 0.25)  # three quarters are left
    Edit(feature=0, operation='multiply', value=0.75)
    """
    if edit.operation == "ablate":
        return Edit(edit.feature, "multiply", max(1.0 - dose, 0.0))
    if edit.operation == "multiply":
        return replace(edit, value=max(1.0 + (edit.value - 1.0) * dose, 0.0))
    return replace(edit, value=edit.value * dose)


@dataclass(frozen=True)
class Doses:
    """How edits are followed over doses."""

    sae: SparseAutoencoder
    X: np.ndarray
    """Embedding of the cells that are edited, (n, d)."""
    centroids: Centroids
    target: str
    origin: str
    draws: np.ndarray
    """Weights of cells in draws with replacement, (n_draws, n)."""
    reading: Reading | None
    """None where nothing decodes."""
    keep_error: bool = True
    selection: Selection = "before"

    def follow(
        self, edits: Sequence[Edit], doses: Sequence[float], highest: float
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Movement, and genes, one row a dose and one a dose and gene.

        Parameters
        ----------
        edits
            At dose 1.
        doses
            Not negative.
        highest
            The first feature's highest activation in any cell.

        Returns
        -------
        tuple
            dose, activation (mean over cells of the first feature, edited), beyond_range,
            displacement, way with way_low and way_high, share_changed and share_arrived; and dose,
            gene (its position), log2_fold with low and high. Intervals are over draws of cells.
        """
        if not len(doses):
            return pd.DataFrame(), pd.DataFrame()
        effect = self._at(edits)[1].mean(axis=0)
        strongest = np.argsort(-np.abs(effect), kind="stable")[:N_GENES]
        rows, ratios = [], {}
        for dose in doses:
            row, ratio = self._at([at_dose(edit, dose) for edit in edits])
            beyond = bool(row["activation"] > highest * (1 + 1e-6))
            rows.append({"dose": dose, **row, "beyond_range": beyond})
            ratios[dose] = ratio[:, strongest]  # all genes of all doses would be too much to hold
        return pd.DataFrame(rows), pd.DataFrame(self._genes(ratios, strongest))

    def _at(self, edits: Sequence[Edit]) -> tuple[dict[str, Any], np.ndarray]:
        """Movement at one dose, and the log ratios of every cell less the typical gene's."""
        edited = edit_cells(
            self.sae, self.X, edits, keep_error=self.keep_error, selection=self.selection
        )
        moved = movement(
            edited.before, edited.after, self.centroids, target=self.target, origin=self.origin
        )
        ways = (self.draws @ moved.progress) / (self.draws @ moved.distance)
        low, high = np.quantile(ways, TAILS)
        row = {
            "activation": float(edited.changed[:, 0].mean(dtype=np.float64)),
            "displacement": moved.displacement.mean(),
            "way": moved.way,
            "way_low": low,
            "way_high": high,
            "share_changed": moved.changed.mean(),
            "share_arrived": moved.arrived.mean(),
        }
        if self.reading is None:
            return row, np.empty((len(self.X), 0))
        ratio = self.reading.logarithms(edited.after) - self.reading.logarithms(edited.before)
        mean = ratio.mean(axis=0, dtype=np.float64)
        shares = self.reading.shares(edited.before)
        typical = mean - closed(mean, shares, self.reading.composition)  # the same for all genes
        return row, ratio - typical.astype(np.float32)

    def _genes(
        self, ratios: dict[float, np.ndarray], genes: np.ndarray
    ) -> Iterator[dict[str, Any]]:
        for dose, ratio in ratios.items():
            of_genes = log2(ratio.astype(np.float64))
            low, high = np.quantile(self.draws @ of_genes, TAILS, axis=0)
            for i, gene in enumerate(genes):
                yield {
                    "dose": dose,
                    "gene": int(gene),
                    "log2_fold": of_genes[:, i].mean(),
                    "low": low[i],
                    "high": high[i],
                }
