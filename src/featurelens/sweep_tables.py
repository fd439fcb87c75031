"""Tables of a sweep: its stacks joined, what its SAEs recover, how far its seeds agree."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from featurelens.conventions import CONVENTIONS
from featurelens.held_out import frugal_points
from featurelens.io import read_table
from featurelens.recovery import measure_recovery
from featurelens.sae import model
from featurelens.sae.config import SAEConfig
from featurelens.sae.consistency import compare
from featurelens.sae.engines.loop import split_rows
from featurelens.simulation import variables
from featurelens.structure import recover_structure
from featurelens.sweeps import point_config
from featurelens.tables import stack_named

if TYPE_CHECKING:
    from anndata import AnnData

    from featurelens.config import StructureConfig

ENOUGH_ROWS = 5000
"""Most rows on which activations of two SAEs are compared."""
FEWEST_HELD_OUT = 50
"""Held-out rows that two SAEs must share to be compared on these alone."""


def measure_points(
    data: AnnData,
    embedding: AnnData,
    points: pd.DataFrame,
    store: Path,
    *,
    log: Callable[[str], None],
) -> pd.DataFrame:
    """Measure what each trained point recovers of the simulation's variables.

    Parameters
    ----------
    data
        Simulated cells with known truth.
    embedding
        The same cells, embedded; ``obsm['X_emb']`` (n_cells, d_in).
    points
        Rows of trained points with ``id`` and ``status``; points that failed are left out.
    store
        Folder that holds the weights of a point under its id.

    Returns
    -------
    DataFrame
        One row per point, convention and group of variables, as
        :func:`featurelens.recovery.measure_recovery` gives them, after ``id``.
    """
    truth = variables(data)
    tables: list[pd.DataFrame] = []
    for identifier in points.loc[points["status"] == "ok", "id"]:
        activations = model.load(store / identifier).encode(embedding.obsm["X_emb"])
        tables.extend(
            measure_recovery(activations, truth, convention=convention).assign(id=identifier)
            for convention in CONVENTIONS
        )
    log(f"{len(tables) // len(CONVENTIONS)} of {len(points)} points measured")
    if not tables:
        return pd.DataFrame(columns=["id"])
    table = pd.concat(tables, ignore_index=True)
    return table[["id", *(str(column) for column in table if column != "id")]]


def collect_points(files: Sequence[str], ids: Sequence[str]) -> pd.DataFrame:
    """Join the tables of all stacks into one, sorted by id, with the ``stack`` of every point.

    Raises
    ------
    RuntimeError
        If a planned point is missing, which would otherwise pass unseen into every figure.
    """
    tables = [read_table(file).assign(stack=Path(file).stem) for file in files]
    table = pd.concat(tables, ignore_index=True)
    missing = sorted(set(ids) - set(table["id"]))
    if missing:
        raise RuntimeError(
            f"{len(missing)} planned points are in no stack, the first is {missing[0]}; "
            "delete the stack tables of this sweep and run again (trained points are kept)"
        )
    return table[table["id"].isin(set(ids))].sort_values("id", ignore_index=True)


def collect_rows(files: Sequence[str], points: pd.DataFrame) -> pd.DataFrame:
    """Join tables that all stacks have of their points, in the order of ``points``."""
    tables = [read_table(file) for file in files]
    filled = [table for table in tables if len(table)]
    table = pd.concat(filled or tables[:1], ignore_index=True)
    order = {identifier: row for row, identifier in enumerate(points["id"])}
    table = table[table["id"].isin(order.keys())]
    return table.sort_values("id", key=lambda ids: ids.map(order), kind="stable", ignore_index=True)


def index_points(points: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Index of a sweep: the id of every point and all its hyperparameters."""
    return pd.DataFrame([dict(point) for point in points])


def cell_sweeps(
    points: Mapping[str, pd.DataFrame], held_out: Mapping[str, pd.DataFrame]
) -> pd.DataFrame:
    """Finished points of the sweeps over real cells, measured on held-out cells.

    Parameters
    ----------
    points, held_out
        Sweep name to its points, and to their :func:`featurelens.held_out.measure_held_out`.

    Returns
    -------
    DataFrame
        sweep, id, source (dataset/model), architecture, expansion, d_sae, l1_weight, k,
        learning_rate, seed, training_convention, n_epochs, validation_loss (lowest of any epoch),
        the measures on held-out cells, frugal (:func:`featurelens.held_out.frugal_points`) and
        position.
    """
    names = {"l1": "l1_weight", "convention": "training_convention"}
    kept = [*_SHOWN, "id", "source", "seed", "convention", "n_epochs", "validation_loss"]
    tables = {}
    for name, measured in held_out.items():
        about = points[name][kept].rename(columns=names)
        table = about.merge(measured, on="id", validate="one_to_one")
        tables[name] = table.assign(frugal=frugal_points(table))
    return stack_named(tables, "sweep")


def recover_structures(
    data: AnnData,
    embedding: AnnData,
    points: pd.DataFrame,
    store: str | Path,
    config: StructureConfig,
    *,
    log: Callable[[str], None],
) -> pd.DataFrame:
    """Recover the simulation's connectivity from the activations of each given point.

    Parameters
    ----------
    points
        Rows of trained points, indexed by id, with ``stack`` (the folder of ``store`` that holds
        the weights) and ``status``.

    Returns
    -------
    DataFrame
        ``id`` and the columns of :func:`featurelens.structure.recover_structure`.
    """
    tables = []
    for identifier, point in points[points["status"] == "ok"].iterrows():
        log(f"point {identifier}")
        sae = model.load(Path(store) / point["stack"] / str(identifier))
        table = recover_structure(
            sae.encode(embedding.obsm["X_emb"]),
            data.X,
            data.varm["connectivity"],
            percentiles=config.percentiles,
            n_permutations=config.n_permutations,
            seed=config.seed,
        )
        tables.append(table.assign(id=str(identifier)))
    table = pd.concat(tables, ignore_index=True)
    return table[["id", *(column for column in table if column != "id")]]


def compare_seeds(
    embedding: np.ndarray,
    points: pd.DataFrame,
    store: str | Path,
    *,
    log: Callable[[str], None],
) -> pd.DataFrame:
    """Compare every two points of a sweep that differ by their seed alone.

    Parameters
    ----------
    embedding
        What the points were trained on, (n_cells, d_in).
    points
        Rows of trained points with ``stack``, the folder of ``store`` that holds the weights.

    Returns
    -------
    DataFrame
        One row per pair: id_left, id_right, seed_left, seed_right, architecture, expansion, l1, k,
        learning_rate, d_sae, held_out (whether the rows compared were held out from both trainings;
        False where they share too few), n_rows, and the fields of
        :class:`featurelens.sae.consistency.Consistency`.
    """
    rows = []
    for left, right in _pairs_of_seeds(points):
        kept, held_out = _rows_to_compare(len(embedding), left, right)
        one, other = (model.load(Path(store) / p["stack"] / p["id"]) for p in (left, right))
        found = compare(one, other, embedding[kept])
        rows.append(
            {
                "id_left": left["id"],
                "id_right": right["id"],
                "seed_left": left["seed"],
                "seed_right": right["seed"],
            }
            | {name: left[name] for name in _SHOWN}
            | {"held_out": held_out, "n_rows": len(kept)}
            | asdict(found)
        )
    log(f"{len(rows)} pairs of seeds compared")
    return pd.DataFrame(rows)


_SHOWN = ("architecture", "expansion", "l1", "k", "learning_rate", "d_sae")


def _pairs_of_seeds(points: pd.DataFrame) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    names = [field.name for field in fields(SAEConfig) if field.name != "seed"]
    fine = points[points["status"] == "ok"]
    for _, group in fine.groupby(names, sort=True):
        yield from combinations(group.sort_values("seed").to_dict("records"), 2)


def _rows_to_compare(n_rows: int, *points: Mapping[str, Any]) -> tuple[np.ndarray, bool]:
    """Rows that no point was trained on, or all where these are too few; some of them if many."""
    held_out = np.arange(n_rows)
    for point in points:
        held_out = np.intersect1d(held_out, split_rows(n_rows, point_config(point))[1])
    enough = len(held_out) >= FEWEST_HELD_OUT
    rows = held_out if enough else np.arange(n_rows)
    if len(rows) > ENOUGH_ROWS:
        rows = np.sort(np.random.default_rng(0).choice(rows, ENOUGH_ROWS, replace=False))
    return rows, enough
