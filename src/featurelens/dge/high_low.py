"""High against low cells of one type, as the paper compares them by hand (section 5.2).

The author takes the active cells of a type, their 5th and 95th percentile of a feature, and calls
cells above the one high and below the other low. He then compares all cells of the type, so that
the inactive ones, which the percentiles leave out, come back among the low (``published``: for
feature 1238 in Naive CD20+ B cells 35 high against 3,483 low, of which 3,448 are inactive). His
text leaves them out, and so does ``corrected``: as many low as high cells, all active.

A second modality, such as the accessibility of chromatin, is compared on its own columns alone, by
two measures of a cell: the mean over them, and the share of them that is not zero.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from featurelens.conventions import CONVENTIONS, Convention
from featurelens.datasets.labels import require_cell_types
from featurelens.dge.cell_sets import CellSets, ones
from featurelens.dge.config import DgeConfig, HighLowConfig
from featurelens.dge.gene_tests import test_genes
from featurelens.dge.high_low_features import activations_of, asked_features
from featurelens.dge.high_low_modality import COMPARED, compare_modality
from featurelens.dge.layout import prepare_bundle
from featurelens.features.selection import numbers
from featurelens.genesets.sets import unique_symbols
from featurelens.io import require_same_names
from featurelens.means import ALONE, Means

if TYPE_CHECKING:
    import anndata

    from featurelens.embeddings.bundle import Bundle


@dataclass(frozen=True, eq=False)
class HighLow:
    """High and low cells of one type and feature."""

    high: NDArray[np.int64]
    """Their rows."""
    low: NDArray[np.int64]
    n_cells: int
    """Cells of the type."""
    n_active: int
    """Those of them that activate the feature."""
    bounds: tuple[float, float]
    """Activation below which cells are low, and above which they are high."""


def high_and_low(
    activations: NDArray, rows: NDArray[np.int64], *, percent: float, convention: Convention
) -> HighLow:
    """Divide the cells of a type by a feature.

    Parameters
    ----------
    activations
        Of the feature in all cells, (n_cells,).
    rows
        The cells of the type.
    percent
        Of the active cells on either side.
    convention
        published: inactive cells are low. corrected: they are left out.

    Examples
    --------
    Of four active cells the upper and the lower quarter: 1 is below 1.75, 4 above 3.25.

    >>> found = high_and_low(np.array([0, 0, 1, 2, 3, 4.0]), np.arange(6), percent=25,
    ...                      convention="published")
    >>> found.high, found.low
    (array([5]), array([0, 1, 2]))
    """
    own = np.asarray(activations, dtype=np.float64)[rows]
    active = own[own > 0]
    if not len(active):
        return HighLow(rows[:0], rows[:0], len(rows), 0, (np.nan, np.nan))
    lower, upper = np.quantile(active, [percent / 100, 1 - percent / 100])
    is_low = own < lower
    if convention == "corrected":
        is_low &= own > 0
    return HighLow(rows[own > upper], rows[is_low], len(rows), len(active), (lower, upper))


def compare_high_low(
    bundle: Bundle,
    features: anndata.AnnData,
    asked: HighLowConfig,
    *,
    config: DgeConfig,
    steered: Sequence[int] = (),
    modality: anndata.AnnData | None = None,
    means: Means = ALONE,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """High against low cells of a type, in genes and in a second modality.

    Parameters
    ----------
    bundle, features
        Cells with their embedding and decoder, and the features of an SAE in them.
    asked
        Type, features and percent.
    config
        Expression, and the fewest cells of a set (``min_cells``, corrected).
    steered
        Numbers of the features that cells are steered with, where these are asked for.
    modality
        Further columns of the same cells, (n_cells, n_columns).

    Returns
    -------
    genes, sets
        Genes of every feature and convention: feature, cell_type, convention, gene, n_high, n_low,
        log2_fold, t, df, p, q (:func:`featurelens.dge.gene_tests.test_genes`).
        One row a feature, convention and measure of the modality (one without, where there is
        none): feature, cell_type, convention, n_cells, n_active, n_high, n_low, n_inactive_low,
        bound_low, bound_high, why_not_tested, and measure, mean_high, sem_high, mean_low, sem_low,
        p_shuffled (how often the means lie as far apart when the cells of both sets change places
        within their batch).

    Raises
    ------
    InputError
        If no cell is of the type, there is no feature of a number, or it is dead.
    """
    require_same_names(features.obs_names, bundle.cells.obs_names, "the features", "the bundle")
    question = _Question.of(features, asked, steered, modality)
    _answer([question], bundle, config, means)
    return question.tables()


def all_high_low(
    bundle: Bundle,
    features: anndata.AnnData,
    asked: Sequence[HighLowConfig],
    *,
    config: DgeConfig,
    selected: pd.DataFrame | None = None,
    read: Callable[[str], anndata.AnnData],
    means: Means = ALONE,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """:func:`compare_high_low` for all that a configuration asks.

    ``selected`` are the features that cells are steered with, the global one first
    (:class:`featurelens.steering.study.Study`); ``read`` gives a modality.
    """
    require_same_names(features.obs_names, bundle.cells.obs_names, "the features", "the bundle")
    steered = [] if selected is None else numbers(selected["feature"].iloc[0])
    names = dict.fromkeys(each.modality for each in asked if each.modality is not None)
    modalities = {name: read(name) for name in names}
    questions = [
        _Question.of(features, each, steered, modalities.get(each.modality or "")) for each in asked
    ]
    _answer(questions, bundle, config, means)
    found = (question.tables() for question in questions)
    genes, sets = (pd.concat(tables, ignore_index=True) for tables in zip(*found, strict=True))
    return genes, sets


@dataclass(frozen=True, eq=False)
class _Question:
    """One comparison that is asked for, and what was found."""

    asked: HighLowConfig
    rows: NDArray[np.int64]
    """Cells of the type."""
    values: Mapping[int, NDArray[np.float64]]
    """Activations of each feature in all cells."""
    batches: NDArray
    modality: anndata.AnnData | None
    genes: list[pd.DataFrame] = field(default_factory=list)
    sets: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def of(
        cls,
        features: anndata.AnnData,
        asked: HighLowConfig,
        steered: Sequence[int],
        modality: anndata.AnnData | None,
    ) -> _Question:
        """What is asked, in the cells and features that there are."""
        require_cell_types(features.obs["cell_type"], [asked.cell_type], "the features: cell_type")
        labels = features.obs["cell_type"].astype(str).to_numpy()
        values = {
            number: activations_of(features, number)
            for number in asked_features(features, asked, steered)
        }
        batches = features.obs["batch"].to_numpy() if "batch" in features.obs else labels
        rows = np.flatnonzero(labels == asked.cell_type)
        return cls(asked, rows, values, batches, modality)

    def tables(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """What was found, as :func:`compare_high_low` gives it."""
        empty = pd.DataFrame(columns=["feature", "cell_type", "convention", "gene"])
        genes = pd.concat(self.genes, ignore_index=True) if self.genes else empty
        return genes, pd.DataFrame(self.sets)


def _answer(
    questions: Sequence[_Question], bundle: Bundle, config: DgeConfig, means: Means
) -> None:
    """Compare what all ask; expression is laid out once a convention."""
    for convention in CONVENTIONS:
        prepared = prepare_bundle(bundle, config, convention=convention, means=means)
        least = config.min_cells if convention == "corrected" else 2
        for question in questions:
            percent = question.asked.percent
            for feature, own in question.values.items():
                found = high_and_low(own, question.rows, percent=percent, convention=convention)
                why = _too_few(found, least)
                about: dict[str, Any] = {
                    "feature": feature,
                    "cell_type": question.asked.cell_type,
                    "convention": convention,
                }
                if not why:
                    table = _genes(bundle, found, prepared, config, convention, means)
                    question.genes.append(table.assign(**about)[[*about, *table]])
                row = about | _described(found, own) | {"why_not_tested": why}
                measured = _measured(found, question, why)
                question.sets.extend(row | each for each in measured)


def _too_few(found: HighLow, least: int) -> str:
    if min(len(found.high), len(found.low)) >= least:
        return ""
    return (
        f"{found.n_active} of {found.n_cells} cells activate it: {len(found.high)} high and "
        f"{len(found.low)} low, {least} of each are needed"
    )


def _genes(
    bundle: Bundle,
    found: HighLow,
    prepared: Any,
    config: DgeConfig,
    convention: Convention,
    means: Means,
) -> pd.DataFrame:
    """Every gene between the two sets."""
    n_cells = bundle.cells.n_obs
    sets = CellSets(
        columns=np.zeros(1, np.int64),
        high=ones([found.high], n_cells),
        other=ones([found.low], n_cells),
        complement=np.zeros(1, bool),
        n_high=np.array([len(found.high)]),
        n_low=np.array([len(found.low)]),
        low_rule=np.array(["lowest"]),
    )
    tests = test_genes(sets, prepared, config=config, convention=convention, threads=means.threads)
    columns = {name: getattr(tests, name)[0] for name in ("log2_fold", "t", "df", "p", "q")}
    genes = {"gene": unique_symbols(bundle.cells.var["symbol"])}
    sizes = {"n_high": len(found.high), "n_low": len(found.low)}
    return pd.DataFrame({**genes, **sizes, **columns})


def _described(found: HighLow, values: NDArray) -> dict[str, Any]:
    return {
        "n_cells": found.n_cells,
        "n_active": found.n_active,
        "n_high": len(found.high),
        "n_low": len(found.low),
        "n_inactive_low": int((values[found.low] == 0).sum()),
        "bound_low": found.bounds[0],
        "bound_high": found.bounds[1],
    }


def _measured(found: HighLow, question: _Question, why: str) -> list[dict[str, Any]]:
    """Both measures of the modality, or one row without where there is none to compare."""
    if question.modality is None or why:
        return [{"measure": "", **dict.fromkeys(COMPARED, np.nan)}]
    return compare_modality(found.high, found.low, question.modality, question.batches)
