"""Threads of one process: work spread over them, and how many torch takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager


def in_threads(function, items: Iterable, threads: int) -> Iterator:  # type: ignore
    """Results of a function that releases Python's lock, in order."""
    if threads == 1:
        yield from map(function, items)
        return
    with ThreadPoolExecutor(threads) as pool:
        yield from pool.map(function, items)


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Multiply matrices in one thread: in several, the last bits depend on how many there are."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, user_api="blas"):
        yield


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Run torch with ``count`` threads, and with as many as before afterwards."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
