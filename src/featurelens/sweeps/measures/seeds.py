"""How alike two seeds of one SAE are, beside random directions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, fields
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from featurelens.progress import counted
from featurelens.sae.config import SAEConfig
from featurelens.sae.consistency import compare
from featurelens.sae.splits import split_rows
from featurelens.sweeps.evaluated import ENOUGH_ROWS, load_point
from featurelens.sweeps.points import point_config
from featurelens.sweeps.selection import SHOWN

SWEEPS = "seeded_sweeps"
INPUTS = ("trained_on",)
OUTPUTS = {"table": "consistency.tsv"}

FEWEST_HELD_OUT = 50
"""Held-out rows that two SAEs must share to be compared on these alone."""


def measure(
    points: pd.DataFrame, store: Path, *, trained_on: np.ndarray, log: Callable[[str], None]
) -> pd.DataFrame:
    """Compare every two points of a sweep that differ by their seed alone.

    Parameters
    ----------
    points
        Rows of trained points with ``stack``, the folder of ``store`` that holds the weights.
    store
        Folder that holds the weights of a point under its stack and id.
    trained_on
        What the points were trained on, (n_cells, d_in).

    Returns
    -------
    DataFrame
        One row per pair: id_left, id_right, seed_left, seed_right, architecture, expansion, l1, k,
        learning_rate, trained, d_sae, held_out (whether the rows compared were held out from both
        trainings; False where they share too few), n_rows, and the fields of
        :class:`featurelens.sae.consistency.Consistency`.
    """
    rows, pairs = [], list(_pairs_of_seeds(points))
    for left, right in counted(pairs, len(pairs), "pairs", "pairs of seeds compared", log=log):
        kept, held_out = _rows_to_compare(len(trained_on), left, right)
        one, other = (load_point(store, point) for point in (left, right))
        found = compare(one, other, trained_on[kept])
        rows.append(
            {
                "id_left": left["id"],
                "id_right": right["id"],
                "seed_left": left["seed"],
                "seed_right": right["seed"],
            }
            | {name: left[name] for name in SHOWN}
            | {"held_out": held_out, "n_rows": len(kept)}
            | asdict(found)
        )
    log(f"{len(rows)} pairs of seeds compared")
    return pd.DataFrame(rows)


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
