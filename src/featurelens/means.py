"""With what a job works: how many threads, which device, and whom it tells of its progress."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from featurelens.io import InputError

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

    def __post_init__(self) -> None:
        require_device(self.device)


def require_device(device: str) -> None:
    """Raise :class:`InputError` unless torch can work on a device; a CPU costs no import."""
    if device == "cpu":
        return
    if device.partition(":")[0] != "cuda":
        raise InputError(f"device is {device!r}; write 'cpu' or 'cuda'")
    import torch

    if not torch.cuda.is_available():
        built = "finds none" if torch.version.cuda else "is built for the CPU alone"
        raise InputError(f"device is {device!r}, a GPU, but torch {built}; write 'cpu'")


ALONE = Means()
"""One thread of a CPU, in silence."""
