"""How far the training of several SAEs is: steps of all of them, and the SAEs that are done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from featurelens.means import Log
from featurelens.progress import Progress, clock, duration
from featurelens.sae.config import SAEConfig

SLOW_START = 2.0
"""Seconds that an engine may take to import or compile without mention."""


class Training(Progress):
    """Counts steps over all points of a call."""

    def __init__(self, log: Log, configs: Sequence[SAEConfig], *, n_rows: int) -> None:
        self._n_rows, self._points, self._trained = n_rows, len(configs), 0
        self._engine = ""
        super().__init__(log, sum(map(self._planned, configs)), "steps", "")
        self._started = clock()

    def _planned(self, config: SAEConfig) -> int:
        n_train = int(self._n_rows * (1 - config.validation_fraction))
        return config.epochs * -(-n_train // config.batch_size)

    def start(self, engine: str) -> None:
        """Name what is trained next, and by which engine."""
        self._engine = engine
        self._name()

    def _name(self) -> None:
        self.what = f"{self._trained} of {self._points} points trained ({self._engine})"

    def ready(self, engine: str, seconds: float) -> None:
        """Log how long an engine took to start, if that was long."""
        if seconds > SLOW_START:
            self.log(f"engine {engine} started in {seconds:.1f} s")

    def finish(self, config: SAEConfig, row: Mapping[str, Any]) -> None:
        """Count a finished point, of whose steps none are left; a failed one is logged at once."""
        self._trained += 1
        self.total -= self._planned(config) - (row["n_steps"] or 0)
        self._name()
        if row["status"] == "failed":
            self.log(f"a {row['architecture']} point failed: {row['message']}")
        if self._trained == self._points:
            self.log(f"{self._points} points trained in {duration(clock() - self._started)}")
