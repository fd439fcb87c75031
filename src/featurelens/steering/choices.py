"""Which features are edited, to what, and why: chosen by rule or named in the config."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from featurelens.features.candidates import rank_candidates
from featurelens.features.config import TrajectoryConfig
from featurelens.features.selection import numbers, select_features
from featurelens.io import InputError
from featurelens.options import build
from featurelens.steering.config import SteeringConfig
from featurelens.steering.edits import Edit
from featurelens.steering.targets import Target, activation_of, beyond

if TYPE_CHECKING:
    import anndata


def choose(
    features: anndata.AnnData,
    directions: np.ndarray,
    config: SteeringConfig,
    trajectories: Mapping[str, Any] | None = None,
) -> pd.DataFrame:
    """The global edit and the local ones, one row each.

    Parameters
    ----------
    features
        Of :func:`featurelens.features.describe.describe_features`.
    directions
        Rows of the SAE's decoder, (n_features, d).
    trajectories
        Those of the dataset by name, in plain form.

    Returns
    -------
    pandas.DataFrame
        As :func:`featurelens.features.selection.select_features`. Where the config names a
        trajectory, the first row is of the feature that follows it best (score: mean of its ranks
        by three criteria, 1 is best); where it names features, theirs, numbers joined by +.

    Raises
    ------
    InputError
        If a feature is dead or not there, or a cell type is not.
    """
    selected = select_features(
        features,
        directions=directions,
        origin=config.origin,
        target=config.target,
        n_local=config.n_local,
        local_types=config.local_types,
    )
    first = {"role": "global", "cell_type": config.target, "rank": 1}
    if config.features:
        for number in config.features:
            require_live(features, number)
        name = "+".join(map(str, config.features))
        first |= {"feature": name, "score": np.nan, "rule": "named in the config"}
    elif config.trajectory is not None:
        found = _by_trajectory(features, config.trajectory, trajectories or {})
        first |= {"feature": found["feature"], "score": found["mean_rank"], "rule": found["why"]}
    else:
        return selected
    local = selected[(selected["role"] == "local") & (selected["feature"] != first["feature"])]
    chosen = pd.concat([pd.DataFrame([first]), local], ignore_index=True)
    return chosen[selected.columns]


def _by_trajectory(
    features: anndata.AnnData, name: str, trajectories: Mapping[str, Any]
) -> dict[str, Any]:
    """The best candidate of a trajectory."""
    if name not in trajectories:
        known = ", ".join(trajectories) or "none"
        raise InputError(f"steering.trajectory: no trajectory {name!r}; there are {known}")
    ranked = rank_candidates(features, build(TrajectoryConfig, trajectories[name]))
    return dict(ranked.iloc[0])


def require_live(features: anndata.AnnData, number: int) -> None:
    """Raise :class:`InputError` unless some cell has the feature."""
    active = features.var["n_active"].to_numpy()
    if not 0 <= number < len(active):
        raise InputError(
            f"no feature {number}: the SAE has {len(active)} features, 0 to {len(active) - 1}"
        )
    if not active[number]:
        raise InputError(
            f"feature {number} is dead: no cell has it, so that nothing says how strong it may be; "
            f"{int((active > 0).sum())} of {len(active)} features are live, such as "
            f"{int(np.argmax(active))}"
        )


def edits_of(
    features: anndata.AnnData, choice: dict[str, Any], config: SteeringConfig, *, factor: float
) -> tuple[list[Edit], list[str]]:
    """The edits of one row of :func:`choose`, and remarks on values that no cell has.

    Raises
    ------
    InputError
        If the type whose activations set the value has too few cells.
    """
    cell_type = features.obs["cell_type"].astype(str).to_numpy()
    edits, remarks = [], []
    for number in numbers(choice["feature"]):
        activation = activation_of(features.X, number)
        value = factor
        if config.operation in ("set", "add"):
            rule = Target(
                rule=config.rule,
                cell_type=str(choice["cell_type"]),
                quantile=config.quantile,
                factor=factor,
            )
            value = rule.of(activation, cell_type)
        edits.append(Edit(number, config.operation, value))
        remark = beyond(value, activation) if config.operation == "set" else ""
        remarks += [f"feature {number}: {remark}"] if remark else []
    return edits, remarks
