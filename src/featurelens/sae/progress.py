"""A line now and then: how far, how fast, how long still."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from featurelens.sae.config import SAEConfig

Log = Callable[[str], None]

INTERVAL = 10.0
"""Seconds between lines."""


SLOW_START = 2.0
"""Seconds that an engine may take to import or compile without mention."""


class Progress:
    """Counts steps over all points of a call and logs rate and time left."""

    def __init__(self, log: Log | None, configs: Sequence[SAEConfig], *, n_rows: int) -> None:
        self._log = log
        self._left = len(configs)
        self._points = len(configs)
        self._n_rows = n_rows
        self._total = sum(self._planned(config) for config in configs)
        self._done = 0
        self._what = ""
        self._began = self._last = time.perf_counter()

    def _planned(self, config: SAEConfig) -> int:
        n_train = int(self._n_rows * (1 - config.validation_fraction))
        return config.epochs * -(-n_train // config.batch_size)

    def start(self, what: str) -> None:
        """Name what is trained next."""
        self._what = what

    def ready(self, engine: str, seconds: float) -> None:
        """Log how long an engine took to start, if that was long."""
        if self._log is not None and seconds > SLOW_START:
            self._log(f"engine {engine} started in {seconds:.1f} s")

    def advance(self, steps: int) -> None:
        """Count ``steps`` steps, summed over points; log if it is time."""
        self._done += steps
        now = time.perf_counter()
        if self._log is not None and now - self._last >= INTERVAL:
            self._last = now
            rate = self._done / (now - self._began)
            left = max(self._total - self._done, 0) / rate
            self._log(
                f"{self._points - self._left} of {self._points} points done ({self._what}): "
                f"{rate:,.0f} steps/s, about {left:,.0f} s left"
            )

    def finish(self, config: SAEConfig, row: Mapping[str, Any]) -> None:
        """Count a finished point; a failed one is logged at once."""
        self._left -= 1
        self._total -= self._planned(config) - (row["n_steps"] or 0)
        if self._log is not None and row["status"] == "failed":
            self._log(f"a {row['architecture']} point failed: {row['message']}")
        if self._log is not None and not self._left:
            spent = time.perf_counter() - self._began
            self._log(f"{self._points} points trained in {spent:,.1f} s")
