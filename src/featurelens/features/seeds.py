"""Are the features of an SAE those of its other seeds?

Features are matched one to one by the correlation of their activations in the same cells, and so
are those of random dictionaries whose features fire as often: few dimensions and many features make
any two dictionaries look alike. Cosines are of the decoder's rows, signed, of the same pairs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from featurelens.io import require_same_names
from featurelens.means import Log, silent
from featurelens.progress import counted
from featurelens.sae.consistency import correlations
from featurelens.sae.random_directions import fire_equally_often, random_directions, unit_rows
from featurelens.stats.pairs import best_pairs

if TYPE_CHECKING:
    import anndata

MOST_CELLS = 4000
"""Cells that features are matched on; more hardly change a correlation."""
KINDS = ("live", "local", "regional", "global", "dead")


def compare_seeds(
    name: str,
    features: anndata.AnnData,
    others: Mapping[str, anndata.AnnData],
    *,
    seed: int = 0,
    log: Log = silent,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Features of an SAE beside those of the same SAE with other seeds.

    Parameters
    ----------
    name
        Of the SAE.
    features, others
        Of :func:`featurelens.features.describe.describe_features`, of the same cells; the others by
        their names.
    seed
        Draws the cells and the random dictionaries.
    log
        Receives how far it is.

    Returns
    -------
    runs, stability
        One row a run, this one first: run; numbers of features live, local, regional, global and
        dead, and of the published rule (``*_published``); of the others n_matched, correlation and
        cosine (means over matched pairs), each beside that of random dictionaries (``*_random``),
        and same_type, the share of pairs of one locality, beside that of pairs that exchange
        partners (same_type_chance).
        One row a feature of this one: stability (mean correlation with its partners) and
        stability_random; NaN for dead features, and without other seeds.

    Raises
    ------
    InputError
        If the cells are not the same.

    Notes
    -----
    Matching takes time of the order of the number of features cubed: seconds for 2,000, minutes
    for 5,000.
    """
    rng = np.random.default_rng(seed)
    rows = np.arange(features.n_obs)
    if len(rows) > MOST_CELLS:
        rows = np.sort(rng.choice(rows, MOST_CELLS, replace=False))
    runs = [{"run": name} | _counts(features.var)]
    partners = np.full((2, len(others), features.n_vars), np.nan)
    told = counted(others.items(), len(others), "seeds", "seeds compared", log=log)
    for number, (other, theirs) in enumerate(told):
        require_same_names(theirs.obs_names, features.obs_names, other, name)
        pairs = _match(features, theirs, rows, rng)
        partners[:, number, pairs.numbers[0]] = pairs.correlation, pairs.chance
        runs.append(
            {"run": other}
            | _counts(theirs.var)
            | {"n_matched": len(pairs.correlation), "correlation": _mean(pairs.correlation)}
            | {"correlation_random": _mean(pairs.chance)}
            | {"cosine": pairs.cosine, "cosine_random": pairs.cosine_random}
            | _same_types(features.var, theirs.var, pairs.numbers, rng)
        )
    stability = pd.DataFrame(
        {
            name: _means(values)
            for name, values in zip(("stability", "stability_random"), partners, strict=True)
        },
        index=features.var_names,
    )
    return pd.DataFrame(runs, columns=_columns()), stability


def _columns() -> list[str]:
    matched = ("n_matched", "correlation", "correlation_random", "cosine", "cosine_random")
    counts = [kind + suffix for suffix in ("", "_published") for kind in KINDS]
    return ["run", *counts, *matched, "same_type", "same_type_chance"]


def _counts(var: pd.DataFrame) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for suffix in ("", "_published"):
        kinds = var[f"type{suffix}"].astype(str)
        found |= {f"{kind}{suffix}": int((kinds == kind).sum()) for kind in KINDS[1:]}
        found[f"live{suffix}"] = int((kinds != "dead").sum())
    return found


class _Pairs(NamedTuple):
    """Matched features of two runs, and of two random dictionaries that fire as often."""

    numbers: NDArray[np.integer]
    """(2, n_pairs)."""
    correlation: NDArray[np.float64]
    chance: NDArray[np.float64]
    """Of the random direction that fires as often as the first run's feature; NaN without one."""
    cosine: float
    cosine_random: float


def _match(
    left: anndata.AnnData,
    right: anndata.AnnData,
    rows: NDArray[np.integer],
    rng: np.random.Generator,
) -> _Pairs:
    """Match the live features of two runs, and random ones in the same way."""
    live = [np.flatnonzero((run.var["n_active"] > 0).to_numpy()) for run in (left, right)]
    codes = [run.X[rows][:, own].toarray() for run, own in zip((left, right), live, strict=True)]
    pairs = best_pairs(correlations(*codes))
    X = np.asarray(left.obsm["X_emb"])[rows]
    random = [random_directions(values.shape[1], X.shape[1], rng) for values in codes]
    by_chance = correlations(
        *(
            fire_equally_often(X, drawn, (values > 0).mean(axis=0))
            for drawn, values in zip(random, codes, strict=True)
        )
    )
    matched = best_pairs(by_chance)
    chance = np.full(len(live[0]), np.nan)
    chance[matched.left] = matched.similarity
    numbers = np.stack([live[0][pairs.left], live[1][pairs.right]])
    return _Pairs(
        numbers,
        pairs.similarity,
        chance[pairs.left],
        _cosine(*(_directions(run, own) for run, own in zip((left, right), numbers, strict=True))),
        _cosine(*(drawn[own] for drawn, own in zip(random, matched[:2], strict=True))),
    )


def _directions(run: anndata.AnnData, own: NDArray[np.integer]) -> NDArray[np.float64]:
    if "directions" not in run.varm:
        return np.full((len(own), 1), np.nan)
    return np.asarray(run.varm["directions"], dtype=np.float64)[own]


def _cosine(left: NDArray[np.float64], right: NDArray[np.float64]) -> float:
    return _mean((unit_rows(left) * unit_rows(right)).sum(axis=1))


def _same_types(
    left: pd.DataFrame, right: pd.DataFrame, pairs: NDArray[np.integer], rng: np.random.Generator
) -> dict[str, float]:
    first, second = (
        var["type"].astype(str).to_numpy()[own]
        for var, own in zip((left, right), pairs, strict=True)
    )
    exchanged = [first == rng.permutation(second) for _ in range(100)]
    return {
        "same_type": _mean((first == second).astype(float)),
        "same_type_chance": _mean(np.array(exchanged, dtype=float).ravel()),
    }


def _mean(values: NDArray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else np.nan


def _means(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means over other runs, (n_features,); NaN where a feature has no partner in any."""
    known = ~np.isnan(values)
    total = np.where(known, values, 0).sum(axis=0)
    count = known.sum(axis=0)
    return np.divide(total, count, out=np.full(values.shape[1], np.nan), where=count > 0)
