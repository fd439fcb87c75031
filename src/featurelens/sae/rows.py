"""The row that describes one point: hyperparameters, what training gave, where it came from."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

import numpy as np
import pandas as pd

from featurelens.sae.config import SAEConfig, effective_l1, width
from featurelens.sae.loop import Fit
from featurelens.sae.metrics import Evaluation, penalty_term

Row = dict[str, Any]

MEASURED = (
    "seconds",
    "n_steps",
    "n_epochs",
    "n_train",
    "diverged_step",
    "loss",
    "validation_loss",
    "mse",
    "l1_loss",
    "explained_variance",
    "l0",
    "shrinkage",
    "n_live",
    "n_dead",
    "gamma",
)
"""Measured columns: float64 in every table, so that a failed point can be NaN in each.

``loss`` is the mean training loss of the last epoch, penalty included, which the paper plots;
``mse`` and ``l1_loss`` are the two terms over all rows with the final weights. Where rows were
normalised, losses are of normalised rows and ``mse`` is of the embedding as it is. Beside them
stands ``density``, the histogram of :func:`featurelens.sae.metrics.density_histogram`, a list.
"""

COLUMNS = (
    "id",
    "status",
    "message",
    "source",
    *(field.name for field in fields(SAEConfig)),
    "d_in",
    "d_sae",
    "l1_effective",
    "engine",
    "device",
    *MEASURED,
    "density",
    "data_sha256",
    "code",
)


def describe(
    config: SAEConfig, d_in: int, *, engine: str, device: str, seconds: float | None
) -> Row:
    """Everything about a point that training does not measure."""
    d_sae = width(config, d_in)
    return {
        "status": "ok",
        "message": "",
        **asdict(config),
        "d_in": d_in,
        "d_sae": d_sae,
        "l1_effective": effective_l1(config, d_in, d_sae),
        "engine": engine,
        "device": device,
        **dict.fromkeys((*MEASURED, "density")),
        "seconds": seconds,
    }


def measure(config: SAEConfig, d_in: int, fit: Fit, evaluation: Evaluation | None) -> Row:
    """Measured columns of a point; metrics are absent where training failed."""
    row: Row = {
        "status": "failed" if fit.message else "ok",
        "message": fit.message,
        "n_steps": fit.n_steps,
        "n_epochs": len(fit.history["train_loss"]),
        "n_train": fit.n_train,
        "diverged_step": fit.diverged_step,
    }
    if evaluation is not None and fit.n_steps:
        row |= {
            "loss": fit.history["train_loss"][-1],
            "validation_loss": np.min(fit.history["validation_loss"]),
        }
    if evaluation is not None:
        row |= {
            "mse": evaluation.mse,
            "l1_loss": penalty_term(evaluation, config, width(config, d_in)),
            "explained_variance": evaluation.explained_variance,
            "l0": evaluation.l0,
            "shrinkage": evaluation.shrinkage,
            "n_live": evaluation.n_live,
            "n_dead": evaluation.n_dead,
            "gamma": evaluation.gamma,
            "density": evaluation.density.tolist(),
        }
    return {name: _plain(value) for name, value in row.items()}


def _plain(value: Any) -> Any:
    """Return a JSON value; what is not finite is None."""
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def matches(row: Mapping[str, Any], config: SAEConfig, asked: Mapping[str, str]) -> bool:
    """Whether a stored row answers for this config and has what is asked (data, code, engine).

    A field that the row lacks was added later and then has its default. A point that failed
    without diverging (out of memory, say) answers for nothing.
    """
    if row.get("status") == "failed" and row.get("diverged_step") is None:
        return False
    stored = {f.name: row.get(f.name, f.default) for f in fields(SAEConfig)}
    return stored == asdict(config) and all(row.get(key) == asked[key] for key in asked)


def table(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Rows as a table of :data:`COLUMNS`, with the same dtypes whatever failed."""
    defaults = {f.name: f.default for f in fields(SAEConfig)}
    frame = pd.DataFrame([defaults | dict(row) for row in rows], columns=list(COLUMNS))
    kinds = {f.name: "float64" for f in fields(SAEConfig) if f.type is not None and _is_float(f)}
    return frame.astype({**kinds, **dict.fromkeys(MEASURED, "float64")})


def _is_float(field: Any) -> bool:
    return getattr(field.type, "__origin__", field.type) is float
