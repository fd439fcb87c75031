"""Tables of a sweep: its stacks joined, what its SAEs recover, how far its seeds agree."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, fields, replace
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from featurelens._correlation import distinct_rows
from featurelens.baselines import fit_baseline
from featurelens.dictionary import describe_match, match_dictionary, random_directions
from featurelens.held_out import frugal_points
from featurelens.io import read_table
from featurelens.observables import observables
from featurelens.recovery import Redundancy, measure_recovery
from featurelens.sae import model
from featurelens.sae.config import SAEConfig
from featurelens.sae.consistency import compare, fire_equally_often
from featurelens.sae.engines.loop import split_rows
from featurelens.simulation import Variables, variables
from featurelens.structure import measure_structure
from featurelens.sweeps import point_config
from featurelens.tables import stack_named

if TYPE_CHECKING:
    from anndata import AnnData

    from featurelens.simulation_config import BaselineConfig
    from featurelens.sweep_config import StructureConfig

ENOUGH_ROWS = 5000
"""Most rows on which activations of two SAEs are compared."""
N_RANDOM = 3
"""Random dictionaries beside every dictionary."""
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
        One row per point, convention and group of variables on all cells, or on
        :func:`evaluation_rows` of a large simulation, as
        :func:`featurelens.recovery.measure_recovery` gives them, after ``id``.
    """
    truth, X, counts = _kinds_of_cells(data, embedding.obsm["X_emb"])
    # the author counts every neuron in his script of the large simulation, and only there
    is_large = data.uns["simulation"]["kind"] == "hierarchical"
    redundancy: Redundancy = "all" if is_large else "earlier"
    tables: list[pd.DataFrame] = []
    for identifier in points.loc[points["status"] == "ok", "id"]:
        activations = model.load(store / identifier).encode(X)
        table = measure_recovery(
            activations,
            truth,
            convention="both",
            counts=counts,
            inputs=X,
            redundancy=redundancy,
        )
        tables.append(table.assign(id=identifier))
    log(f"{len(tables)} of {len(points)} points measured on {len(X)} kinds of cells")
    if not tables:
        return pd.DataFrame(columns=["id"])
    table = pd.concat(tables, ignore_index=True)
    return table[["id", *(str(column) for column in table if column != "id")]]


def _kinds_of_cells(data: AnnData, X: np.ndarray) -> tuple[list[Variables], np.ndarray, np.ndarray]:
    """Variables, embedding and number of cells of every kind of cell that is measured."""
    if data.n_obs > ENOUGH_ROWS and data.uns["simulation"]["kind"] != "small":
        rows = evaluation_rows(data)
        return variables(data[rows]), X[rows], np.ones(len(rows))
    truth = variables(data)
    rows, counts = distinct_rows([X, *(group.values for group in truth)])
    return [replace(group, values=group.values[rows]) for group in truth], X[rows], counts


def evaluation_rows(data: AnnData) -> np.ndarray:
    """Cells on which many neurons are compared with many variables, evenly spaced.

    Training cells in steps that leave at most :data:`ENOUGH_ROWS` of all cells: of 100,000 cells
    every 20th of the first 90,000, the author's 4,500 (``04_sae_analysis.py``).
    """
    step = max(1, -(-data.n_obs // ENOUGH_ROWS))
    return np.flatnonzero(data.obs["split"] == "train")[::step]


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
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Recover the simulation's connectivity from the activations of each given point.

    All cells are compared, or :func:`evaluation_rows` of a large simulation.

    Parameters
    ----------
    points
        Rows of trained points, indexed by id, with ``stack`` (the folder of ``store`` that holds
        the weights) and ``status``.

    Returns
    -------
    summary : DataFrame
        ``id`` and the columns of :func:`featurelens.structure.recover_structure`.
    programs : DataFrame
        ``id`` and the columns of :attr:`featurelens.structure.Structure.programs`.
    """
    rows = evaluation_rows(data) if data.n_obs > ENOUGH_ROWS else np.arange(data.n_obs)
    observed, X = observables(data).rows(rows), embedding.obsm["X_emb"][rows]
    tables: dict[str, list[pd.DataFrame]] = {"summary": [], "programs": []}
    for identifier, point in points[points["status"] == "ok"].iterrows():
        log(f"point {identifier}")
        sae = model.load(Path(store) / point["stack"] / str(identifier))
        structure = measure_structure(
            sae.encode(X),
            observed,
            data.varm["connectivity"],
            percentiles=config.percentiles,
            n_permutations=config.n_permutations,
            n_margin_draws=config.n_margin_draws,
            seed=config.seed,
        )
        for name, parts in tables.items():
            parts.append(getattr(structure, name).assign(id=str(identifier)))
    summary, programs = (pd.concat(parts, ignore_index=True) for parts in tables.values())
    return summary[_id_first(summary)], programs[_id_first(programs)]


def _id_first(table: pd.DataFrame) -> list[str]:
    return ["id", *(str(column) for column in table if column != "id")]


def match_points(
    data: AnnData,
    points: pd.DataFrame,
    store: str | Path,
    config: BaselineConfig,
    *,
    log: Callable[[str], None],
) -> pd.DataFrame:
    """Compare the dictionary of every trained point with the true features of a zipf simulation.

    Parameters
    ----------
    data
        Of :func:`featurelens.superposed.simulate_zipf`.
    points
        Rows of trained points with ``stack``, the folder of ``store`` that holds the weights.
    config
        Decompositions that go through the same code, each component as a positive and a negative
        half.

    Returns
    -------
    DataFrame
        One row per point, and per decomposition: id (empty for a decomposition), method
        (architecture or decomposition), trained, expansion, l1, k, learning_rate, seed, mse,
        explained_variance, l0, true_l0 (features that truly fire per cell), and the columns of
        :func:`featurelens.dictionary.describe_match`.
    """
    rng = np.random.default_rng(0)
    X, truth, true_directions = data.obsm["X_emb"], data.obsm["features"], data.varm["directions"].T
    if len(X) > ENOUGH_ROWS:
        kept = np.sort(rng.choice(len(X), ENOUGH_ROWS, replace=False))
        X, truth = X[kept], truth[kept]

    def described(directions: np.ndarray, codes: np.ndarray) -> dict[str, float]:
        live = (codes > 0).any(axis=0)
        share = (codes[:, live] > 0).mean(axis=0)
        random = []
        for _ in range(N_RANDOM if live.any() else 0):
            drawn = random_directions(int(live.sum()), X.shape[1], rng)
            fires = fire_equally_often(X, drawn, share)
            random.append(match_dictionary(drawn, fires, true_directions, truth))
        found = match_dictionary(directions, codes, true_directions, truth)
        true_l0 = {"true_l0": float((truth > 0).sum(axis=1).mean())}
        return true_l0 | describe_match(found, random)

    rows: list[dict[str, Any]] = []
    for point in points[points["status"] == "ok"].to_dict("records"):
        sae = model.load(Path(store) / point["stack"] / point["id"])
        about = {name: point[name] for name in ("id", "expansion", "l1", "k", "learning_rate")}
        about |= {name: point[name] for name in ("seed", "mse", "explained_variance", "l0")}
        about |= {"method": point["architecture"], "trained": point["trained"]}
        rows.append(about | described(sae.directions, sae.encode(X)))
    for method in config.methods:
        fitted = fit_baseline(X, method, config.n_components, seed=config.seed)
        codes = np.maximum(np.hstack([fitted.scores, -fitted.scores]), 0)
        directions = np.vstack([fitted.directions, -fitted.directions])
        rows.append({"id": "", "method": method} | described(directions, codes))
    log(f"{len(rows)} dictionaries compared with {truth.shape[1]} true features")
    table = pd.DataFrame(rows)
    return table[["id", "method", *(name for name in table if name not in ("id", "method"))]]


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
        learning_rate, trained, d_sae, held_out (whether the rows compared were held out from both
        trainings; False where they share too few), n_rows, and the fields of
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


_SHOWN = ("architecture", "expansion", "l1", "k", "learning_rate", "trained", "d_sae")


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
