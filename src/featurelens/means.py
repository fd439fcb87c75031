"""With what a job works: how many threads, which device, and whom it tells of its progress."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Log = Callable[[str], None]
"""Takes a line at a time."""


def silent(line: str) -> None:
    """Take a line and say nothing."""


@dataclass(frozen=True)
class Means:
    """With what a job works; results do not depend on it but for the last bits on a GPU."""

    threads: int = 1
    """Threads on a CPU."""
    device: str = "cpu"
    """Torch device, ``cpu`` or ``cuda``; what is drawn is drawn on the CPU on either."""
    log: Log = silent
    """Takes a line of progress at a time."""


ALONE = Means()
"""One thread of a CPU, in silence."""
