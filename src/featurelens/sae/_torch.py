"""The one door through which the SAE code imports torch.

MKL promises the same bytes for a matrix product wherever its operands lie in memory only in its
strict reproducible mode, which it reads from the environment when it starts. Without it a point
could differ in its last bits with the company it keeps in a stack.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from featurelens.threads import torch_threads

os.environ.setdefault("MKL_CBWR", "AVX2,STRICT")


__all__ = ["session", "torch"]


@contextmanager
def session(threads: int) -> Iterator[None]:
    """Run torch with ``threads`` threads and denormals flushed; put both back afterwards.

    Adam's moments of dead features decay into denormal numbers, which are slow.
    """
    with torch_threads(threads):
        torch.set_flush_denormal(True)
        try:
            yield
        finally:
            torch.set_flush_denormal(False)
