"""Whether an SAE is fit to be read: what it explains, and how many of its features say anything.

A feature that no row activates is dead; one that at least 90 % of rows activate tells them apart
by its strength alone. Where most features are either, the SAE does not suit its input, and a line
says what to change.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from featurelens.sae.config import SAEConfig
from featurelens.sae.listing import sparsity
from featurelens.sae.metrics import Evaluation

EVERYWHERE = 0.9
"""Share of rows from which on a feature counts as active everywhere."""
MOST = 0.5
"""Share of features above which there is a warning."""


@dataclass(frozen=True)
class Health:
    """What one SAE does on one set of rows."""

    explained_variance: float
    """1 minus the fraction of variance unexplained; NaN for rows without variance, and of a
    transcoder, which does not give its input back."""
    n_features: int
    """Width of the SAE."""
    n_live: int
    """Features active in at least one row."""
    n_everywhere: int
    """Features active in at least 90 % of rows."""
    features_per_cell: float
    """Mean number of active features per row (L0)."""

    @classmethod
    def of(cls, evaluation: Evaluation) -> Health:
        """Counts of an evaluation (:func:`featurelens.sae.metrics.evaluate`)."""
        often = evaluation.n_active >= EVERYWHERE * evaluation.n_rows
        return cls(
            explained_variance=evaluation.explained_variance,
            n_features=len(evaluation.n_active),
            n_live=evaluation.n_live,
            n_everywhere=int(np.count_nonzero(often & (evaluation.n_active > 0))),
            features_per_cell=evaluation.l0,
        )

    @property
    def share_dead(self) -> float:
        """Share of all features that are dead."""
        return 1 - self.n_live / self.n_features

    @property
    def share_everywhere(self) -> float:
        """Share of live features that are active everywhere; 0 where none is live."""
        return self.n_everywhere / self.n_live if self.n_live else 0.0

    def row(self, config: SAEConfig | None = None) -> dict[str, Any]:
        """All of it by name, with the shares and ``attention``: the warnings, or empty."""
        shares = {"share_dead": self.share_dead, "share_everywhere": self.share_everywhere}
        return asdict(self) | shares | {"attention": "; ".join(self.warnings(config))}

    def warnings(self, config: SAEConfig | None = None) -> list[str]:
        """What is wrong and what to change, a sentence each; without ``config`` in general."""
        found = []
        if config is None and self.explained_variance < 0:
            found.append(
                f"it explains {self.explained_variance:.0%} of the variance, less than the mean "
                "does: is this the embedding that the SAE was trained on, in the unit that it was "
                "trained on (input_scale)?"
            )
        if self.share_dead > MOST:
            found.append(
                f"{self.n_features - self.n_live} of {self.n_features} features "
                f"({self.share_dead:.0%}) are dead, active in no cell: {_against_dead(config)}"
            )
        if self.share_everywhere > MOST:
            found.append(
                f"{self.n_everywhere} of {self.n_live} live features "
                f"({self.share_everywhere:.0%}) are active in at least {EVERYWHERE:.0%} of cells "
                f"and hardly tell cells apart: {_against_everywhere(config)}"
            )
        return found

    def lines(self, config: SAEConfig | None = None) -> list[str]:
        """Lines for a log."""
        explains = f"explains {self.explained_variance:.1%} of the variance"
        if np.isnan(self.explained_variance):
            explains = "explains no variance that could be named"
        return [
            f"SAE: {explains} with "
            f"{self.features_per_cell:.1f} features per cell; {self.n_live} of {self.n_features} "
            f"features are live, {self.share_dead:.1%} dead, {self.n_everywhere} active in at "
            f"least {EVERYWHERE:.0%} of cells",
            *(f"ATTENTION: {warning}" for warning in self.warnings(config)),
        ]


def _against_dead(config: SAEConfig | None) -> str:
    """What keeps features alive, by what may be the cause."""
    if config is not None and config.trained == "nothing":
        return "nothing of this SAE is trained"
    softer = "take fewer features (a lower expansion) or "
    return _remedy(config, by_l1=f"{softer}a lower l1", by_k=f"{softer}a higher k")


def _against_everywhere(config: SAEConfig | None) -> str:
    """What makes features rarer."""
    stricter = (
        "take a higher l1, or a topk architecture, whose k sets how many features a cell uses"
    )
    return _remedy(config, by_l1=stricter, by_k="take a lower k")


def _remedy(config: SAEConfig | None, *, by_l1: str, by_k: str) -> str:
    """What to change, by what makes an SAE sparse; first of all the unit of its input."""
    if config is None:
        return "is this the embedding that the SAE was trained on?"
    unit = "" if config.normalise == "scale" else "write normalise: scale; else "
    return unit + (by_l1 if sparsity(config.architecture) == "l1" else by_k)
