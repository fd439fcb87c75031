"""A stack of points: trained where the store lacks them, and never twice.

A stack is a view of a store (:mod:`featurelens.sae.store`), which nothing that fails can empty.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from featurelens.io import InputError
from featurelens.means import ALONE, Means
from featurelens.sae import rows
from featurelens.sae import store as memory
from featurelens.sae.config import SAEConfig
from featurelens.sae.training import TrainedSAE, check_data, train_each


def train_stack(
    X: np.ndarray,
    points: Sequence[tuple[str, SAEConfig]],
    *,
    source: str,
    data_sha256: str,
    store: Path,
    code: str | Sequence[str],
    engine: str = "auto",
    means: Means = ALONE,
) -> pd.DataFrame:
    """Return one row per point, training only the points that the store lacks.

    A stored row counts when its config, ``code`` and ``data_sha256`` are those asked for and its
    weights are there. A point that diverged counts too; one that failed otherwise is tried again.
    With an engine forced, only that engine's rows count; ``auto`` takes those of any, since they
    agree.

    Parameters
    ----------
    X
        Data (n, d_in).
    points
        Id and config of each point, in the order of the rows wanted.
    source
        Name of the embedding, copied to the rows.
    data_sha256
        Digest of the embedding, recorded in rows and weights.
    store
        Folder of the store, made if absent; the weights of point ``id`` are at ``store/id/``.
    code
        Fingerprint of the training code: one, or one of each point, so that a point whose code is
        the same is not trained again because others joined its stack.
    engine, means
        How and with what to train what is missing; ``auto`` chooses by shape and device.

    Raises
    ------
    InputError
        As :func:`train`, and if an id occurs twice.
    """
    store = Path(store)
    about = {"source": source, "data_sha256": data_sha256}
    codes = _by_point(points, code)
    missing = missing_points(points, store, code=code, data_sha256=data_sha256, engine=engine)
    means.log(f"{len(points) - len(missing)} of {len(points)} points are already in {store}")
    if missing:
        configs = [config for _, config in missing]
        X = check_data(X, configs)
        for index, result in train_each(X, configs, engine, means):
            point = missing[index][0]
            _remember(store, point, result, about | {"code": codes[point]})
    stored = memory.read(store)
    return rows.table([stored[point] for point, _ in points])


def missing_points(
    points: Sequence[tuple[str, SAEConfig]],
    store: Path,
    *,
    code: str | Sequence[str],
    data_sha256: str,
    engine: str = "auto",
) -> list[tuple[str, SAEConfig]]:
    """Points that the store does not hold for this code, these data and an engine if forced.

    Raises
    ------
    InputError
        If an id occurs twice.
    """
    repeated = [point for point, n in Counter(point for point, _ in points).items() if n > 1]
    if repeated:
        raise InputError(f"point {min(repeated)!r} occurs twice in one stack; name it once")
    stored, codes = memory.read(store), _by_point(points, code)

    def is_there(point: str, config: SAEConfig) -> bool:
        asked = {"code": codes[point], "data_sha256": data_sha256}
        if engine != "auto" and config.trained == "all":
            asked["engine"] = engine
        if point not in stored or not rows.matches(stored[point], config, asked):
            return False
        return stored[point]["status"] == "failed" or memory.has_weights(store, point)

    return [(point, config) for point, config in points if not is_there(point, config)]


def _by_point(points: Sequence[tuple[str, SAEConfig]], code: str | Sequence[str]) -> dict[str, str]:
    codes = [code] * len(points) if isinstance(code, str) else code
    return {point: own for (point, _), own in zip(points, codes, strict=True)}


def _remember(store: Path, point: str, result: TrainedSAE, about: dict[str, str]) -> None:
    """Write the weights of a finished point, then its row."""
    if result.sae is not None:
        metadata = {**result.sae.metadata, **about}
        sae = replace(result.sae, metadata=metadata)
        memory.save_weights(store, point, sae, result.history)
    memory.append(store, {"id": point, **result.row, **about})
