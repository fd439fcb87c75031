"""How far a job is: a line in its log now and then, with the rate and the time left.

A stage that ends within ten seconds says nothing; a longer one says a line every ten seconds at
most, every minute where it takes long. What is counted changes no result.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")
Log = Callable[[str], None]
"""Takes a line at a time."""

FIRST, LONGEST = 10.0, 60.0
"""Seconds to the first line, and between two lines at most."""
SLOWER = 0.1
"""Share of the time passed that is waited for the next line."""
clock = time.perf_counter
"""Seconds from some moment on."""


def pause(passed: float) -> float:
    """Seconds to wait for the next line, after so many seconds of a stage.

    Examples
    --------
    >>> [pause(passed) for passed in (0, 60, 300, 3600)]
    [10.0, 10.0, 30.0, 60.0]
    """
    return min(max(FIRST, SLOWER * passed), LONGEST)


def duration(seconds: float) -> str:
    """A time that is left or spent, in the units that a reader would take.

    Examples
    --------
    >>> [duration(seconds) for seconds in (0.4, 89, 90, 3599, 5400, 200_000)]
    ['1 s', '89 s', '2 min', '1 h', '1 h 30 min', '2 d 8 h']
    """
    if seconds < 89.5:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h" + (f" {minutes} min" if minutes else "")
    days, hours = divmod(round(seconds / 3600), 24)
    return f"{days} d" + (f" {hours} h" if hours else "")


def per_second(rate: float) -> str:
    """A rate in as many digits as can be read.

    Examples
    --------
    >>> [per_second(rate) for rate in (12345.6, 99.6, 3.14159, 0.0456)]
    ['12,346', '100', '3.1', '0.046']
    """
    return f"{rate:,.0f}" if rate >= 9.95 else f"{rate:.2g}"


class Progress:
    """What is done of a stage, and whom to tell.

    Parameters
    ----------
    log
        Takes a line at a time.
    total
        How much there is to do; may be changed on the way.
    unit
        What is counted, in the plural, such as ``features``.
    what
        What is done, which begins a line.

    Examples
    --------
    >>> Progress(print, 1000, "features", "genes tested").line(250, seconds=50)
    'genes tested: 250 of 1,000 features (25 %), 5 features/s, 2 min left'
    """

    def __init__(self, log: Log, total: int, unit: str, what: str) -> None:
        self.log, self.total, self.unit, self.what = log, total, unit, what
        self.done = 0
        self._began = clock()
        self._next = self._began + FIRST

    def advance(self, count: int = 1) -> None:
        """Count what was done; log a line where it is time and something is left to do."""
        self.done += count
        now = clock()
        if now < self._next or not 0 < self.done < self.total:
            return
        self._next = now + pause(now - self._began)
        self.log(self.line(self.done, seconds=now - self._began))

    def line(self, done: int, *, seconds: float) -> str:
        """What is said once so much is done after so many seconds."""
        rate, share = done / seconds, 100 * done / self.total
        return (
            f"{self.what}: {done:,} of {self.total:,} {self.unit} ({share:.0f} %), "
            f"{per_second(rate)} {self.unit}/s, {duration((self.total - done) / rate)} left"
        )


def counted(
    items: Iterable[Item],
    total: int,
    unit: str,
    what: str,
    *,
    log: Log,
    size: Callable[[Item], int] = lambda _: 1,
) -> Iterator[Item]:
    """The items, each counted by :class:`Progress` once the next one is asked for, by its size."""
    progress = Progress(log, total, unit, what)
    for item in items:
        yield item
        progress.advance(size(item))


@contextmanager
def alive(log: Log, written: Callable[[], int]) -> Iterator[None]:
    """Say that a job is at work where it has said nothing for a minute.

    Some stages cannot say how far they are, such as those of other libraries. A line comes as soon
    as the code within lets other threads run.

    Parameters
    ----------
    log
        Takes a line at a time.
    written
        How much was said so far, such as bytes of the log.
    """
    ended, began = threading.Event(), clock()

    def tell() -> None:
        before = written()
        while not ended.wait(LONGEST):
            if written() == before:
                log(f"at work for {duration(clock() - began)}")
            before = written()

    teller = threading.Thread(target=tell, name="alive", daemon=True)
    teller.start()
    try:
        yield
    finally:
        ended.set()
        teller.join()
