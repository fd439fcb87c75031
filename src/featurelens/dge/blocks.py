"""Expression by blocks of genes: in memory, or in files where it would take too much of it.

A block is an array (n_cells, width), contiguous over the cells. A file has no name, so that nothing
is left of it however a job ends; it lies where Python's ``tempfile`` puts it (``TMPDIR``). Decoded
expression is stored as it is and read block by block; of measured expression, which is mostly zero,
what is not zero is stored, and a block is filled in when it is asked for.
"""

from __future__ import annotations

import errno
import os
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from featurelens.io import InputError

HELD = 2**30
"""Bytes of expression that are held in memory; changes no result."""
_SPARSE_ENTRY = 8
"""Bytes of a stored value: 4 of its place, 4 of itself."""
MOST_ROWS = 2**16
"""Cells whose places in a block are counted in 32 bits."""


class Blocks(Protocol):
    """What is asked of an array (n_blocks, n_cells, width), in memory or not."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(n_blocks, n_cells, width)."""

    def __len__(self) -> int:
        """Number of blocks."""

    def __getitem__(self, number: int) -> NDArray[np.floating]:
        """A block, (n_cells, width)."""

    def __iter__(self) -> Iterator[NDArray[np.floating]]:
        """Blocks in their order."""


class _Nameless:
    """A temporary file without a name, closed when nothing holds it any more."""

    def __init__(self) -> None:
        self.number, path = tempfile.mkstemp(prefix="featurelens-")
        Path(path).unlink()
        weakref.finalize(self, os.close, self.number)

    def read(self, buffer: memoryview, offset: int) -> None:
        """Fill a buffer with what stands from a place on; other threads may read too."""
        while buffer:
            n = os.preadv(self.number, [buffer], offset)  # at most 2 GiB
            if not n:
                raise EOFError(f"{tempfile.gettempdir()}: a file of expression became shorter")
            buffer, offset = buffer[n:], offset + n


class _Filed:
    """A file without a name, read block by block."""

    shape: tuple[int, int, int]

    def __len__(self) -> int:
        return self.shape[0]

    def __iter__(self) -> Iterator[NDArray[np.floating]]:
        return (self[number] for number in range(len(self)))

    def __getitem__(self, number: int) -> NDArray[np.floating]:
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class FiledBlocks(_Filed):
    """Blocks of a file, read one by one.

    Mapped, they would cost more than their reading: each page anew in the tables of the process.
    """

    shape: tuple[int, int, int]
    dtype: type[np.floating]
    file: _Nameless = field(default_factory=_Nameless)

    def __post_init__(self) -> None:
        _reserve(self.file, len(self) * self._size)

    @property
    def _size(self) -> int:
        return self.shape[1] * self.shape[2] * np.dtype(self.dtype).itemsize

    def put(self, first: int, values: NDArray[np.floating]) -> None:
        """Write some cells, from number ``first`` on: (n_blocks, n, width)."""
        itemsize = values.itemsize * self.shape[2]
        for number, block in enumerate(np.ascontiguousarray(values)):
            os.pwrite(self.file.number, block.data, number * self._size + first * itemsize)

    def __getitem__(self, number: int) -> NDArray[np.floating]:
        block = np.empty(self.shape[1:], self.dtype)
        self.file.read(block.reshape(-1).view(np.uint8).data, number * self._size)
        return block


@dataclass(frozen=True, eq=False)
class SparseBlocks(_Filed):
    """Blocks of which a file holds what is not zero; float32."""

    shape: tuple[int, int, int]
    file: _Nameless = field(default_factory=_Nameless)
    pieces: list[list[tuple[int, int, int]]] = field(default_factory=list)
    """Of each block: first cell, place in the file, and number of the values."""

    def __post_init__(self) -> None:
        self.pieces.extend([] for _ in range(len(self)))

    def put(self, first: int, values: sparse.csr_matrix) -> None:
        """Write some cells, at most :data:`MOST_ROWS`, from number ``first`` on, (n, n_genes)."""
        width = self.shape[2]
        columns = sparse.csc_matrix(values)
        gene = np.repeat(np.arange(columns.shape[1]) % width, np.diff(columns.indptr))
        place = (columns.indices * np.int64(width) + gene).astype(np.uint32)
        amounts = columns.data.astype(np.float32)
        bounds = columns.indptr[np.minimum(np.arange(len(self) + 1) * width, columns.shape[1])]
        end = os.fstat(self.file.number).st_size
        with _room():
            for number, (start, stop) in enumerate(pairwise(bounds)):
                self.pieces[number].append((first, end, int(stop - start)))
                end += os.pwrite(self.file.number, place[start:stop].data, end)
                end += os.pwrite(self.file.number, amounts[start:stop].data, end)

    def __getitem__(self, number: int) -> NDArray[np.floating]:
        block = np.zeros(self.shape[1:], np.float32)
        flat = block.reshape(-1)
        for first, offset, n in self.pieces[number]:
            stored = bytearray(n * _SPARSE_ENTRY)
            self.file.read(memoryview(stored), offset)
            place = np.frombuffer(stored, np.uint32, n)
            flat[first * self.shape[2] :][place] = np.frombuffer(stored, np.float32, n, 4 * n)
        return block


def fits_in_memory(shape: tuple[int, ...], dtype: type[np.floating]) -> bool:
    """Whether an array is held in memory."""
    return int(np.prod(shape)) * np.dtype(dtype).itemsize <= HELD


def new_blocks(
    shape: tuple[int, int, int], dtype: type[np.floating]
) -> NDArray[np.floating] | FiledBlocks:
    """Blocks of zeros to be written, in memory or in a file."""
    return np.zeros(shape, dtype) if fits_in_memory(shape, dtype) else FiledBlocks(shape, dtype)


def _reserve(file: _Nameless, size: int) -> None:
    """Take the room of a file at once, rather than fail when much of it is written."""
    with _room():
        if size and hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.number, 0, size)
        else:
            os.ftruncate(file.number, size)


@contextmanager
def _room() -> Iterator[None]:
    """Turns a full disk into an error that says which."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise InputError(
            f"{tempfile.gettempdir()}: no room for expression; set TMPDIR to a folder with "
            "4 bytes for each cell and gene that is free"
        ) from error
