"""One measure of a sweep, from the files of a run to its tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from featurelens.io import read_anndata, read_obsm
from featurelens.plugins import load
from featurelens.sweeps.collect import read_points


def measure_points(
    measure: str,
    files: Mapping[str, str],
    store: str | Path,
    *,
    n_cells: int | None,
    params: Mapping[str, Any],
    log: Callable[[str], None],
) -> list[pd.DataFrame]:
    """Measure the points of a stack or of a sweep.

    Parameters
    ----------
    measure
        Name of a module of :mod:`featurelens.sweeps.measures`.
    files
        ``points``, the table of the points, and by the names of the measure's ``INPUTS``: ``data``
        (the simulation, read as AnnData), ``embedding`` (all its rows) and ``trained_on`` (the rows
        that the sweep was trained on).
    store
        Folder of the sweep's trained points.
    n_cells
        How many cells the sweep was trained on, the first of its embedding; None for all.
    params
        Further arguments of the measure.
    log
        Takes one line of progress at a time.

    Returns
    -------
    list of DataFrame
        In the order of the measure's ``OUTPUTS``.
    """
    module = load("featurelens.sweeps.measures", measure)
    readers: dict[str, Callable[[str], Any]] = {
        "data": read_anndata,
        "embedding": read_obsm,
        "trained_on": lambda path: read_obsm(path)[:n_cells],
    }
    inputs = {name: readers[name](files[name]) for name in module.INPUTS}
    found = module.measure(read_points(files["points"]), Path(store), **inputs, **params, log=log)
    return list(found) if isinstance(found, tuple) else [found]
