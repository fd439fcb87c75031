"""Threads of one process: work spread over them, and how many torch and BLAS take."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

BLAS_THREADS = "OPENBLAS_NUM_THREADS"
"""Snakemake sets it to the threads of a job."""


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


def keep_one_blas_thread() -> None:
    """Multiply matrices in one thread from now on, in a job that was given several.

    How many a job has depends on ``--cores``. What is loaded later reads the variable.
    """
    if os.environ.get(BLAS_THREADS, "1") != "1":
        from threadpoolctl import threadpool_limits

        os.environ[BLAS_THREADS] = "1"
        threadpool_limits(1, user_api="blas")


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Run torch, and BLAS beside it, with ``count`` threads; with as many as before afterwards."""
    import torch
    from threadpoolctl import threadpool_limits

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        with threadpool_limits(count, user_api="blas"):
            yield
    finally:
        torch.set_num_threads(before)
