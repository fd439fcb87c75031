"""How many cells a file has, before anything else is known of it."""

from __future__ import annotations

from pathlib import Path

from featurelens.io import InputError


def count_cells(path: str) -> int:
    """Cells of a file of any form; 0 where it cannot be read, which is said later."""
    if not Path(path).exists():
        return 0
    from featurelens.datasets.stored import names_of
    from featurelens.datasets.stores import open_store

    try:
        with open_store(path) as store:
            return len(names_of(store.root["obs"]))
    except InputError:
        return 0
