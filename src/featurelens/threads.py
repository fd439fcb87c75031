"""Work spread over the threads of one process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor


def in_threads(function, items: Iterable, threads: int) -> Iterator:  # type: ignore
    """Results of a function that releases Python's lock, in order."""
    if threads == 1:
        yield from map(function, items)
        return
    with ThreadPoolExecutor(threads) as pool:
        yield from pool.map(function, items)
