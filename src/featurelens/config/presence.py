"""Cells whose file is not at hand, left out of a run whose config allows it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

from featurelens.config.run import RunConfig
from featurelens.datasets.config import OwnCells
from featurelens.downloads.config import belongs_to
from featurelens.places import Place


def leave_out_absent(
    run: RunConfig, is_there: Callable[[str], bool]
) -> tuple[RunConfig, list[str]]:
    """Take optional datasets whose file is not there, and all that is made of them, out of a run.

    Parameters
    ----------
    run
        The run as it is written. A file that the run downloads counts as there.
    is_there
        Whether a path exists.

    Returns
    -------
    RunConfig, list of str
        The run without these datasets, the sweeps over them and what else names them; and one line
        for each dataset that says so.
    """
    gone = {
        name: dataset.cells.path
        for name, dataset in run.datasets.items()
        if dataset.optional
        and isinstance(dataset.cells, OwnCells)
        and not is_there(dataset.cells.path)
        and not any(belongs_to(file.path, dataset.cells.path) for file in run.downloads.values())
    }
    if not gone:
        return run, []
    return _without(run, gone), [_line(run, name, path) for name, path in gone.items()]


def _without(run: RunConfig, gone: Collection[str]) -> RunConfig:
    """A run without some datasets."""
    embeddings = run.controls.embeddings
    if embeddings is not None:
        embeddings = tuple(name for name in embeddings if Place.parse(name).dataset not in gone)
    collections = {
        name: collection
        if collection.datasets is None
        else replace(collection, datasets=tuple(d for d in collection.datasets if d not in gone))
        for name, collection in run.collections.items()
    }
    return replace(
        run,
        datasets={name: block for name, block in run.datasets.items() if name not in gone},
        sweeps={name: sweep for name, sweep in run.sweeps.items() if sweep.source not in gone},
        collections=collections,
        controls=replace(run.controls, embeddings=embeddings),
        paper=run.paper.without(gone),
    )


def _line(run: RunConfig, name: str, path: str) -> str:
    sweeps = (f"sweeps.{sweep}" for sweep, block in run.sweeps.items() if block.source == name)
    keys = ", ".join(f"'{key}'" for key in (f"datasets.{name}", *sweeps))
    return f"left out of this run: {keys}; the file {path!r} of this optional dataset is not there"
