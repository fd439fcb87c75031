"""Features that differ between two groups of cells, with donors as the witnesses.

Cells of one donor share age, genes, the day and the lane, so that two groups of donors differ in
many features whatever the condition. Under ``corrected`` the unit is therefore a donor's mean:
donors of two groups are compared by Welch's t or rank sums, and donors that have cells in both
groups are compared with themselves. Under ``published`` cells are the units, as is common; no
p-value of it should be believed where there are donors (Squair et al. 2021, Nature Communications
12: 5692).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from featurelens.conventions import Convention
from featurelens.datasets.files import require_key
from featurelens.features.units import FewDonors, Units, cell_units, donor_units
from featurelens.io import InputError
from featurelens.stats.multiple import bh

if TYPE_CHECKING:
    import anndata

Test = Literal["t", "rank"]
SAMPLE_COLUMNS = ("donor", "donor_id", "sample", "sample_id", "patient", "individual")
"""Columns of obs that are taken for the sample where none is named, in this order."""


def compare(
    features: anndata.AnnData,
    groups: str | ArrayLike,
    *,
    first: str | None = None,
    second: str | None = None,
    sample: str | None = None,
    test: Test = "t",
    convention: Convention = "corrected",
    min_cells: int = 10,
) -> pd.DataFrame:
    """Compare every feature between two groups of cells.

    Parameters
    ----------
    features
        Cells x features, as :func:`featurelens.annotate` or ``features.h5ad`` has them.
    groups
        Column of obs, or one label a cell, (n_cells,); cells of other labels, or without one, are
        left out.
    first, second
        The two labels; may be left out where there are no others.
    sample
        Column of obs with the donor or sample; None takes the first of :data:`SAMPLE_COLUMNS`.
    test
        t (Welch's, paired where donors are in both groups) or rank (Mann-Whitney, Wilcoxon).
    convention
        corrected: donors are the units; without at least two a side there are effect sizes alone,
        and ``why_no_p`` says why. published: cells are.
    min_cells
        Donors with fewer cells in a group are left out of it.

    Returns
    -------
    DataFrame
        One row a feature that is active in some cell of either group: feature; n_cells_first,
        n_cells_second; n_samples_first, n_samples_second (donors compared; 0 where there are none);
        is_paired; mean_first, mean_second (over units) and difference, second less first; effect
        (difference over the pooled deviation of units; of their differences where they are paired;
        of cells where there are too few donors); statistic (t; z of rank sums; W of signed ranks),
        df, p, q (Benjamini-Hochberg); unit (donor or cell); why_no_p.

    Raises
    ------
    InputError
        If a column or label is not there, or a group has no cells.

    Examples
    --------
    >>> table = compare(  # doctest: +SKIP
    ...     features, "condition", first="control", second="treated", sample="donor"
    ... )
    """
    labels = _labels(features, groups)
    names = _two(labels, first, second)
    units = _units(features, labels, names, sample, convention, min_cells)
    return _table(features.var_names, units, test)


def permuted_rates(
    features: anndata.AnnData,
    groups: str | ArrayLike,
    *,
    first: str | None = None,
    second: str | None = None,
    sample: str | None = None,
    test: Test = "t",
    min_cells: int = 10,
    n_permutations: int = 100,
    seed: int = 0,
    alpha: float = 0.05,
) -> dict[str, float]:
    """Share of p below ``alpha`` when donors change groups at random, with either unit.

    A donor takes its cells with it (where it has cells in both groups, they change sides together
    or not at all), so that nothing differs but by chance. About ``alpha`` is what a test should
    say.

    Returns
    -------
    dict
        donors and cells, the shares of features and permutations; NaN without two donors a side.

    Raises
    ------
    InputError
        As :func:`compare`.
    """
    labels = _labels(features, groups)
    names = _two(labels, first, second)
    column = _sample_column(features, sample)
    if column is None:
        return {"donors": np.nan, "cells": np.nan}
    donors = features.obs[column].astype(str).to_numpy()
    rng = np.random.default_rng(seed)
    found: dict[str, list[NDArray[np.float64]]] = {"donors": [], "cells": []}
    for _ in range(n_permutations):
        moved = _exchanged(labels, donors, names, rng)
        for unit, convention in _BY_UNIT.items():
            units = _units(features, moved, names, column, convention, min_cells)
            found[unit].append(_table(features.var_names, units, test)["p"].to_numpy())
    return {unit: _share_below(np.concatenate(p), alpha) for unit, p in found.items()}


_BY_UNIT: dict[str, Convention] = {"donors": "corrected", "cells": "published"}


@dataclass(frozen=True)
class _Names:
    first: str
    second: str


def _labels(features: anndata.AnnData, groups: str | ArrayLike) -> NDArray[np.object_]:
    """The label of each cell as text; "" for a cell without."""
    if isinstance(groups, str):
        require_key(groups, features.obs, "the features: obs")
        given = features.obs[groups]
    else:
        given = pd.Series(np.asarray(groups, dtype=object))
    if len(given) != features.n_obs:
        raise InputError(
            f"groups has {len(given)} labels for {features.n_obs} cells; give one each"
        )
    return np.where(given.isna(), "", given.astype(str)).astype(object)


def _two(labels: NDArray[np.object_], first: str | None, second: str | None) -> _Names:
    there = sorted(set(labels.tolist()) - {""})
    if first is None or second is None:
        others = [name for name in there if name not in (first, second)]
        missing = (first is None) + (second is None)
        if len(others) != missing:
            raise InputError(
                f"groups has the labels {', '.join(there)}; say which two as first and second"
            )
        first = others.pop(0) if first is None else first
        second = others.pop(0) if second is None else second
    for name in (first, second):
        require_key(name, there, "the groups")
    if first == second:
        raise InputError(f"first and second are both {first!r}; name two groups")
    return _Names(first, second)


def _sample_column(features: anndata.AnnData, sample: str | None) -> str | None:
    if sample is None:
        return next((name for name in SAMPLE_COLUMNS if name in features.obs), None)
    require_key(sample, features.obs, "the features: obs")
    return sample


def _units(
    features: anndata.AnnData,
    labels: NDArray[np.object_],
    names: _Names,
    sample: str | None,
    convention: Convention,
    min_cells: int,
) -> Units:
    activations = sparse.csr_matrix(features.X)
    sides = [labels == names.first, labels == names.second]
    if convention == "published":
        return cell_units(activations, sides)
    column = _sample_column(features, sample)
    if column is None:
        why = "no column of obs says whose cells these are, and cells are no replicates"
        return cell_units(activations, sides, why_no_p=why)
    try:
        return donor_units(
            activations, sides, features.obs[column].astype(str).to_numpy(), min_cells=min_cells
        )
    except FewDonors as error:
        return cell_units(activations, sides, why_no_p=str(error))


def _table(names: pd.Index, units: Units, test: Test) -> pd.DataFrame:
    found = units.test(test)
    p = np.full(len(names), np.nan) if units.why_no_p else found.p
    known = units.is_active
    table = pd.DataFrame(
        {
            "feature": names,
            "n_cells_first": units.n_cells[0],
            "n_cells_second": units.n_cells[1],
            "n_samples_first": units.n_samples[0],
            "n_samples_second": units.n_samples[1],
            "is_paired": units.is_paired,
            "mean_first": units.moments[0].mean,
            "mean_second": units.moments[1].mean,
            "difference": units.moments[1].mean - units.moments[0].mean,
            "effect": units.effect(),
            "statistic": np.nan if units.why_no_p else found.statistic,
            "df": np.nan if units.why_no_p else found.df,
            "p": p,
            "q": bh(np.where(known, p, np.nan)),
            "unit": units.unit,
            "why_no_p": units.why_no_p,
        }
    )
    return table[known].reset_index(drop=True)


def _exchanged(
    labels: NDArray[np.object_],
    donors: NDArray[np.object_],
    names: _Names,
    rng: np.random.Generator,
) -> NDArray[np.object_]:
    """Labels after donors of one group changed places, and donors of both changed sides."""
    used = np.isin(labels, [names.first, names.second])
    code, _ = pd.factorize(donors[used], sort=True)
    is_second = labels[used] == names.second
    share = np.bincount(code, is_second) / np.bincount(code)
    is_pure = np.isin(share, [0, 1])
    group = share > 0
    group[is_pure] = rng.permutation(group[is_pure])
    turned = rng.random(len(share)) < 0.5
    moved = np.where(is_pure[code], group[code], is_second ^ turned[code])
    found = labels.copy()
    found[used] = np.where(moved, names.second, names.first)
    return found


def _share_below(p: NDArray[np.float64], alpha: float) -> float:
    known = p[~np.isnan(p)]
    return float((known < alpha).mean()) if len(known) else np.nan
