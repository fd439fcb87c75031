"""The one door through which the SAE code imports torch.

What MKL computes has the same bytes wherever operands lie in memory only in a reproducible mode,
which it reads from the environment when it starts. Without one a point could differ in its last
bits with the company it keeps in a stack. :mod:`featurelens.portable` sets one for processors with
AVX2; here it is set for all others.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from featurelens.threads import torch_threads

os.environ.setdefault("MKL_CBWR", "COMPATIBLE")


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
