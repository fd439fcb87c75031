"""Groups of cells that a configuration names: types, stages, labels of columns, donors."""

from __future__ import annotations

from collections.abc import Mapping

from featurelens.config.errors import suggest
from featurelens.config.run import DatasetRun
from featurelens.datasets.config import OwnCells
from featurelens.datasets.readers import read_labels
from featurelens.features.config import LEAST_IN_STAGE, ComparisonConfig, TrajectoryConfig
from featurelens.io import InputError
from featurelens.steering.config import FEWEST_CELLS


def check_groups(key: str, run: DatasetRun, sizes: Mapping[str, int]) -> None:
    """Look for every group of cells that a dataset's part of a configuration names.

    Parameters
    ----------
    key
        Of the dataset, for messages.
    run
        The dataset.
    sizes
        Cells of each type (:func:`featurelens.datasets.readers.read_type_sizes`).

    Raises
    ------
    InputError
        With one line that names the key of the first that is not there, or has too few cells.
    """
    if run.steering is not None:
        for role, cell_type in run.steering.named_types.items():
            _require_type(f"{key}.steering.{role}", cell_type, sizes, least=FEWEST_CELLS)
    for name, trajectory in run.trajectories.items():
        _check_trajectory(f"{key}.trajectories.{name}", trajectory, sizes)
    for number, asked in enumerate(run.high_low):
        _require_type(f"{key}.high_low[{number}].cell_type", asked.cell_type, sizes, least=2)
        beside = run.cells.beside if isinstance(run.cells, OwnCells) else {}
        if asked.modality is not None and asked.modality not in beside:
            raise InputError(
                f"config: '{key}.high_low[{number}].modality' is {asked.modality!r}, which "
                f"'{key}.cells.beside' does not have{suggest(asked.modality, list(beside))}"
            )
    for name, comparison in run.comparisons.items():
        _check_comparison(f"{key}.comparisons.{name}", comparison, run)


def _require_type(key: str, cell_type: str, sizes: Mapping[str, int], *, least: int) -> None:
    """Raise where a type that the configuration names has no cell, or too few."""
    _require_known(key, cell_type, sizes)
    if sizes[cell_type] < least:
        raise InputError(
            f"config: '{key}' is {cell_type!r}, which {sizes[cell_type]} cells have; a mean takes "
            f"{least} at least, so leave it out or join it with a type like it"
        )


def _require_known(key: str, label: str, known: Mapping[str, int]) -> None:
    if label not in known:
        raise InputError(
            f"config: '{key}' is {label!r}, which no cell has{suggest(label, list(known))}"
        )


def _check_trajectory(key: str, config: TrajectoryConfig, sizes: Mapping[str, int]) -> None:
    """Raise where a type of a trajectory is not among the cells, or none is left beside it."""
    for role in ("stages", "contrast"):
        for number, cell_type in enumerate(getattr(config, role)):
            _require_type(f"{key}.{role}[{number}]", cell_type, sizes, least=LEAST_IN_STAGE)
    if not config.contrast and set(sizes) <= set(config.stages):
        raise InputError(
            f"config: '{key}.stages' are all cell types there are, so that none is left to "
            "contrast with; leave a stage out"
        )


def _check_comparison(key: str, config: ComparisonConfig, run: DatasetRun) -> None:
    """Raise where a column or a label of a comparison is not among the cells."""
    columns = {"column": config.column, **{f"only.{name}": name for name in config.only}}
    columns |= {"sample": config.sample} if config.sample is not None else {}
    table = read_labels(run.cells)
    known = [str(name) for name in table]
    for part, column in columns.items():
        if column not in known:
            where = run.cells.path if isinstance(run.cells, OwnCells) else run.cells.kind
            raise InputError(
                f"config: '{key}.{part}' is {column!r}, which {where} has no column of cells for"
                f"{suggest(column, known)}"
            )
    chosen = table
    for column, value in config.only.items():
        _require_known(f"{key}.only.{column}", value, _sizes(chosen[column]))
        chosen = chosen[chosen[column].astype(str) == value]
    for role in ("first", "second"):
        _require_known(f"{key}.{role}", getattr(config, role), _sizes(chosen[config.column]))


def _sizes(labels) -> dict[str, int]:  # type: ignore[no-untyped-def]  # of pandas, not loaded here
    return {str(name): int(count) for name, count in labels.astype(str).value_counts().items()}
