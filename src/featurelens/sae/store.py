"""The memory of a sweep: one line and one folder of weights per finished point.

``points.jsonl`` is append-only and flushed to disk line by line; the weights of point ``id`` lie in
``id/`` and are complete before the line is written. A process killed at any moment loses only the
point it was training, and leaves at most a torn last line, which is skipped and then cut off.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from featurelens.io import read_table, temporary_beside, write_table
from featurelens.journals import cut_torn_line
from featurelens.sae import model
from featurelens.sae.model import SAE

POINTS = "points.jsonl"
HISTORY = "history.parquet"


def read(store: Path) -> dict[str, dict[str, Any]]:
    """Rows by point id, the latest line of each id; lines that are no JSON object are skipped."""
    path = store / POINTS
    rows: dict[str, dict[str, Any]] = {}
    if not path.exists():
        return rows
    for line in path.read_bytes().split(b"\n"):
        row = _parse(line)
        if row is not None:
            rows.pop(row["id"], None)
            rows[row["id"]] = row
    return rows


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) and "id" in row else None


def append(store: Path, row: Mapping[str, Any]) -> None:
    """Add one row and wait until it is on disk.

    A torn line left by a killed process or a full disk is cut off first. The file is locked
    meanwhile: stacks of one sweep may share a store.
    """
    store.mkdir(parents=True, exist_ok=True)
    line = json.dumps(row, allow_nan=False).encode() + b"\n"
    with (store / POINTS).open("ab+") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        cut_torn_line(handle)
        handle.write(line)
        handle.flush()
        os.fsync(handle.fileno())


def save_weights(store: Path, point: str, sae: SAE, history: pd.DataFrame) -> None:
    """Write weights and loss curves of ``point``; its folder appears complete or not at all."""
    folder = store / point
    temporary = temporary_beside(folder)
    shutil.rmtree(temporary, ignore_errors=True)
    model.save(sae, temporary)
    write_table(history, temporary / HISTORY)
    for file in temporary.iterdir():
        with file.open("rb") as handle:
            os.fsync(handle.fileno())
    if folder.exists():
        shutil.rmtree(folder)
    temporary.replace(folder)


def has_weights(store: Path, point: str) -> bool:
    """Whether weights and loss curves of ``point`` are there."""
    return all((store / point / file).exists() for file in (model.CONFIG, model.WEIGHTS, HISTORY))


def read_history(store: Path, point: str) -> pd.DataFrame:
    """Loss curves of ``point``, one row per epoch."""
    return read_table(store / point / HISTORY)
