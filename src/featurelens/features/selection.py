"""Features worth steering: local ones for a cell type, global ones across types."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from featurelens.datasets.labels import require_cell_types
from featurelens.io import InputError

if TYPE_CHECKING:
    import anndata


# --- choosing features to steer -----------------------------------------------------------------


def select_features(
    features: anndata.AnnData,
    *,
    directions: np.ndarray,
    origin: str,
    target: str,
    n_local: int = 3,
    local_types: Sequence[str] = (),
) -> pd.DataFrame:
    """Choose one global and some local features, by rule instead of by eye.

    The paper narrows 44 candidates to one by looking at where each moves the cells (appendix
    A.3.2). Here the global feature is the global or regional one, active in both types and more so
    in ``target`` (as the paper's rises along the lineage), that carries most of the step from the
    centroid of ``origin`` to that of ``target``:
    ``(mean_target - mean_origin) (direction . step) / |step|^2``, its share of the step where the
    decoder is linear. Local features are high in exactly one type, which holds most of their
    activation and which they do not share where possible; those come first that stand out of
    shuffled labels most (``varm['type_z']``).

    Parameters
    ----------
    features
        Of :func:`describe_features`.
    directions
        Rows of the SAE's decoder, (n_features, d).
    origin, target
        Cell types.
    n_local
        Number of local features; fewer come back if fewer features are live.
    local_types
        Cell types whose local features come first, in their order, one each where there is one.

    Returns
    -------
    pandas.DataFrame
        feature (its name in ``features.var``), role (global or local), cell_type (the target, or
        the local feature's own type), rank, score (share of the step; z of
        cell_type) and rule, which names the fallback where one was needed.

    Raises
    ------
    InputError
        If a type is not among the cells, or no feature is live.
    """
    wanted = (origin, target, *local_types)
    require_cell_types(features.obs["cell_type"], wanted, "the features: cell_type")
    if not (features.var["type"] != "dead").any():
        raise InputError(
            "no feature is active in any cell; train the SAE longer or with a lower l1"
        )
    chosen = [_select_global(features, directions, origin=origin, target=target)]
    taken = {chosen[0]["feature"]}
    chosen += _select_local(features, n_local=n_local, taken=taken, types=local_types)
    return pd.DataFrame(chosen)


def _select_global(
    features: anndata.AnnData, directions: np.ndarray, *, origin: str, target: str
) -> dict[str, object]:
    labels = features.obs["cell_type"].to_numpy()
    embedding = features.obsm["X_emb"].astype(np.float64)
    step = embedding[labels == target].mean(axis=0) - embedding[labels == origin].mean(axis=0)
    means = pd.DataFrame(features.varm["type_means"], columns=features.uns["cell_types"])
    rise = (means[target] - means[origin]).to_numpy()
    share = rise * (directions.astype(np.float64) @ step) / (step @ step)
    active = ((means[origin] != 0) & (means[target] != 0)).to_numpy()
    wide = features.var["type"].isin(["global", "regional"]).to_numpy()
    live = (features.var["type"] != "dead").to_numpy()
    pools = (
        (
            "global or regional, active in both types and more so in the target, largest share of "
            "the step",
            wide & active & (rise > 0) & (share > 0),
        ),
        ("live, as no wider one leads to the target, largest share of the step", live),
    )
    rule, pool = next((rule, pool) for rule, pool in pools if pool.any())
    best = int(np.argmax(np.where(pool, share, -np.inf)))
    return {
        "feature": features.var_names[best],
        "role": "global",
        "cell_type": target,
        "rank": 1,
        "score": float(share[best]),
        "rule": rule,
    }


def _select_local(
    features: anndata.AnnData, *, n_local: int, taken: set[object], types: Sequence[str] = ()
) -> list[dict[str, object]]:
    chosen = _of_types(features, types, taken)
    n_local = max(n_local, len(chosen))
    for rule, distinct, candidates in _local_pools(features):
        for feature, cell_type, score in candidates.itertuples(index=False):
            shown = distinct and cell_type in [row["cell_type"] for row in chosen]
            if len(chosen) == n_local or feature in taken or shown:
                continue
            taken.add(feature)
            row = {"feature": feature, "role": "local", "cell_type": cell_type}
            chosen.append(row | {"rank": len(chosen) + 1, "score": score, "rule": rule})
    return chosen


def _of_types(
    features: anndata.AnnData, types: Sequence[str], taken: set[object]
) -> list[dict[str, object]]:
    """The local feature of each type that stands out in it most, where there is one."""
    pools = [(rule, pool) for rule, _, pool in _local_pools(features) if rule in _ASKED]
    chosen: list[dict[str, object]] = []
    for cell_type in types:
        for rule, pool in pools:
            own = pool[(pool["cell_type"] == cell_type) & ~pool["feature"].isin(list(taken))]
            if own.empty:
                continue
            best = own.iloc[0]
            taken.add(best["feature"])
            row = {"feature": best["feature"], "role": "local", "cell_type": cell_type}
            score = {"rank": len(chosen) + 1, "score": best["score"], "rule": _ASKED[rule]}
            chosen.append(row | score)
            break
    return chosen


_ASKED = {
    "local and mainly of its type, most significant, a type of its own": (
        "local and mainly of its type, most significant in a type that was asked for"
    ),
    "local by the published rule only": "local by the published rule only, in a type asked for",
}
"""Pools of :func:`_local_pools` from which features of given types are taken, and their rule."""


def _local_pools(features: anndata.AnnData) -> Iterator[tuple[str, bool, pd.DataFrame]]:
    """Rule, whether types must differ, and candidates by falling z of their type."""
    names = np.asarray(features.uns["cell_types"])
    var, varm = features.var, features.varm

    def ranked(pool: pd.Series, types: np.ndarray) -> pd.DataFrame:
        rows = np.flatnonzero(pool)
        score = np.nan_to_num(np.asarray(varm["type_z"])[rows, types[rows]], nan=-np.inf)
        order = np.argsort(-score, kind="stable")
        return pd.DataFrame(
            {
                "feature": features.var_names[rows],
                "cell_type": names[types[rows]],
                "score": score,
            }
        ).iloc[order]

    own = np.asarray(varm["significant"]).argmax(axis=1)
    main = var["top_cell_type"].cat.codes.to_numpy()
    local = var["type"] == "local"
    of_main = ranked(local & (own == main), own)
    published = varm["significant_published"].argmax(axis=1)
    yield "local and mainly of its type, most significant, a type of its own", True, of_main
    yield "local and mainly of its type, most significant, a type already shown", False, of_main
    yield "local, though no type holds most of it", False, ranked(local & (own != main), own)
    by_published_rule = (var["type_published"] == "local") & (var["type"] != "dead")
    yield "local by the published rule only", False, ranked(by_published_rule, published)
    live = var["top_cell_type"].notna()
    yield "live, no local one left", False, ranked(live, main)


def numbers(feature: str) -> list[int]:
    """Numbers of the features that are edited together."""
    return [int(number) for number in str(feature).split("+")]
