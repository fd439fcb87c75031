"""What is in the files that a user brought: a fingerprint, so that a replaced file is noticed.

Snakemake compares dates, and a file that is put in the place of another with an older date passes
for the old one. The standard library alone, because the workflow calls it while it plans.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from featurelens.io import atomic_path

CACHE = Path(".snakemake/featurelens/contents.json")
"""What files were found to hold; where it cannot be written, they are read at every planning."""
WHOLE = 2**26
"""Bytes up to which a file is read as a whole."""
BLOCK = 2**16
N_BLOCKS = 256
"""Blocks that are read of a larger one, evenly spaced from its first to its last byte."""

SETTLED = 2.0
"""Seconds after its last change from which on a file is known by its size and times."""

Stamp = tuple[int, int, int]


class Contents:
    """Fingerprints of files, remembered as long as size and times of a file stay.

    Parameters
    ----------
    without
        Files that need none, such as those that a run downloads and checks itself.
    cache
        File of the memory; None remembers nothing.
    """

    def __init__(self, without: Iterable[str] = (), *, cache: Path | None = CACHE) -> None:
        self._without = frozenset(map(str, without))
        self._cache = cache
        self._kept = _recall(cache)
        self._known = dict(self._kept)

    def of(self, paths: Iterable[str | Path]) -> str:
        """Sixteen hex digits that change with the bytes of any of the files; "" of no file.

        A folder stands for the files in it. What does not exist does not count.
        """
        given = [Path(path) for path in paths if str(path) not in self._without]
        files = [
            file
            for path in given
            for file in (sorted(path.rglob("*")) if path.is_dir() else [path])
            if file.is_file()
        ]
        if not files:
            return ""
        return hashlib.sha256("\n".join(map(self._one, files)).encode()).hexdigest()[:16]

    def _one(self, file: Path) -> str:
        status = file.stat()
        # The time of change is set anew where a file is moved into place with its old date.
        stamp = (status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        key = str(file.absolute())
        known = self._known.get(key)
        if known is not None and known[0] == stamp:
            return known[1]
        digest = fingerprint(file)
        self._known[key] = (stamp, digest)
        # A file that is written once more within a tick of the clock has the same times.
        if self._cache is not None and time.time() > max(stamp[1:]) / 1e9 + SETTLED:
            self._kept[key] = (stamp, digest)
            with suppress(OSError), atomic_path(self._cache) as temporary:
                temporary.write_text(json.dumps(self._kept))
        return digest


def fingerprint(file: str | Path) -> str:
    """Hash of a file's bytes: of all, or of a large one its size and evenly spaced blocks.

    What is changed in place between two blocks has a new date, which Snakemake sees.
    """
    with Path(file).open("rb") as handle:
        size = handle.seek(0, 2)
        digest = hashlib.sha256(str(size).encode())
        if size <= WHOLE:
            handle.seek(0)
            digest.update(handle.read())
        else:
            for number in range(N_BLOCKS):
                handle.seek(number * (size - BLOCK) // (N_BLOCKS - 1))
                digest.update(handle.read(BLOCK))
    return digest.hexdigest()[:16]


def _recall(cache: Path | None) -> dict[str, tuple[Stamp, str]]:
    try:
        known = json.loads("{}" if cache is None else cache.read_text())
        return {file: (tuple(stamp), digest) for file, (stamp, digest) in known.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
