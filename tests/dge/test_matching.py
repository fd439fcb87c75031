"""The contrast within type against the same statistic written out cell by cell."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from featurelens.dge.cell_sets import split_cells
from featurelens.dge.config import DgeConfig
from featurelens.dge.gene_tests import test_genes
from featurelens.dge.layout import prepare_expression
from featurelens.dge.matching import cell_strata, match_cells
from featurelens.dge.tables import test_expression

CONFIG = DgeConfig(high_percentile=90, min_cells=10, min_matched=3, min_zero_cells=30)
RAW = replace(CONFIG, composition="raw")
GENES = [f"G{number}" for number in range(12)]


@pytest.fixture(scope="module")
def cells():
    """Activations (400, 15), expression (400, 12) and 6 strata; half of the genes depend."""
    rng = np.random.default_rng(8)
    strata = rng.choice(6, p=[0.3, 0.25, 0.2, 0.15, 0.09, 0.01], size=400)
    level = rng.gamma(2.0, 3.0, size=(6, 12))
    level[:, 6:] = level[0, 6:]
    expression = rng.poisson(level[strata]).astype(float)
    activations = np.maximum(rng.normal(-0.5, 1, size=(400, 15)) + 0.3 * (strata[:, None] - 2), 0)
    activations[:, 12:] += 0.1 + rng.random((400, 3))  # dense: the lowest cells are low
    return sparse.csr_matrix(activations.astype(np.float32)), expression, strata


def test_matched_sets_by_pencil():
    # Two high cells in stratum 0, one in 1, one in 2; stratum 2 has a single low cell.
    activation = np.array([9, 8, 0, 0, 0, 7, 0, 0, 6, 0, 1])[:, None]
    strata = np.array([0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 0])
    config = DgeConfig(high_percentile=65, min_cells=3, min_matched=2, min_zero_cells=2)
    sets = split_cells(sparse.csr_matrix(activation), config=config, convention="corrected")
    assert list(np.flatnonzero(sets.high.toarray()[0])) == [0, 1, 5, 8]
    matched = match_cells(sets, strata, config=config)
    assert list(matched.n_high) == [3]
    assert list(matched.n_low) == [5]
    assert list(matched.n_unmatched) == [1]
    assert [list(np.flatnonzero(row)) for row in matched.parts.high.toarray()] == [[0, 1], [5]]
    assert [
        list(np.flatnonzero(row))
        for row in matched.parts.low().toarray() * (strata == matched.stratum[:, None])
    ] == [[2, 3, 4], [6, 7]]
    # One cell more is asked for: the feature is left out and counted.
    few = match_cells(sets, strata, config=DgeConfig(min_cells=4, min_matched=2))
    assert len(few.columns) == 0
    assert list(few.unmatched) == [0]
    assert few.describe() == (
        "within type and batch: 0 features compared, 1 with too few matched cells; "
        "0 of 0 high cells left out for want of low cells"
    )


def test_strata_are_types_in_batches():
    obs = pd.DataFrame({"cell_type": list("BABA"), "batch": list("1122")})
    assert list(cell_strata(obs.astype("category"))) == [2, 0, 3, 1]


@settings(derandomize=True, max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_matched_cells_are_of_one_stratum_and_none_is_lost(seed):
    rng = np.random.default_rng(seed)
    activations = rng.integers(0, 4, size=(60, 5)) * (rng.random((60, 5)) < rng.random(5))
    strata = rng.integers(0, 4, size=60)
    config = DgeConfig(high_percentile=80, min_cells=3, min_zero_cells=6, min_matched=2)
    sets = split_cells(sparse.csr_matrix(activations), config=config, convention="corrected")
    matched = match_cells(sets, strata, config=config)
    assert set(matched.columns) | set(matched.unmatched) == set(sets.columns)
    for row, column in enumerate(matched.columns):
        [original] = np.flatnonzero(sets.columns == column)
        high, low = (part[original].toarray()[0] > 0 for part in (sets.high, sets.low()))
        parts = range(matched.bounds[row], matched.bounds[row + 1])
        used = [matched.stratum[part] for part in parts]
        assert [
            s for s in range(4) if high[strata == s].any() and low[strata == s].sum() >= 2
        ] == used
        for part, stratum in zip(parts, used, strict=True):
            inside = strata == stratum
            np.testing.assert_array_equal(matched.parts.high[part].toarray()[0] > 0, high & inside)
            found = matched.parts.low()[part].toarray()[0] > 0
            np.testing.assert_array_equal(found & inside, low & inside)
        assert matched.n_high[row] + matched.n_unmatched[row] == high.sum()


def by_hand(expression, high, low, strata):
    """Weighted difference of means of one feature, its error and degrees of freedom."""
    groups = [[expression[cells[strata[cells] == s]] for cells in (high, low)] for s in range(6)]
    groups = [(a, b) for a, b in groups if len(a) and len(b) >= 3]
    n = sum(len(first) for first, _ in groups)
    mean = [sum(len(g[0]) * g[side].mean(axis=0) for g in groups) / n for side in (0, 1)]
    within = sum(((first - first.mean(axis=0)) ** 2).sum(axis=0) for first, _ in groups)
    errors = [within / (n - len(groups)) / n]
    errors += [(len(a) / n) ** 2 * b.var(axis=0, ddof=1) / len(b) for a, b in groups]
    df = [n - len(groups), *(len(b) - 1 for _, b in groups)]
    error = sum(errors)
    degrees = error**2 / sum(e**2 / d for e, d in zip(errors, df, strict=True))
    return n, mean, (mean[0] - mean[1]) / np.sqrt(error), degrees


def test_every_statistic_equals_the_definition(cells):
    activations, expression, strata = cells
    sets = split_cells(activations, config=CONFIG, convention="corrected")
    table = test_expression(
        activations,
        expression,
        GENES,
        config=RAW,
        convention="corrected",
        contrast="within_type",
        strata=strata,
    )
    assert set(table["low_rule"]) == {"zeros", "lowest"}
    n_compared = 0
    for row, column in enumerate(sets.columns):
        high, low = (np.flatnonzero(part[row].toarray()) for part in (sets.high, sets.low()))
        rows = table[table["feature"] == str(column)]
        if not len(rows):
            continue
        n_compared += 1
        n, mean, t, df = by_hand(expression, high, low, strata)
        assert set(rows["n_high"]) == {n}
        assert set(rows["n_unmatched"]) == {len(high) - n}
        np.testing.assert_allclose(rows["t"], t, rtol=1e-9)
        np.testing.assert_allclose(rows["df"], df, rtol=1e-9)
        np.testing.assert_allclose(rows["p"], 2 * scipy.stats.t.sf(abs(t), df), rtol=1e-9)
        fold = np.log2((mean[0] + 0.1) / (mean[1] + 0.1))
        np.testing.assert_allclose(rows["log2_fold"], fold, rtol=1e-9, atol=1e-12)
    assert n_compared >= 13
    assert table["n_unmatched"].max() > 0


def test_one_stratum_is_the_global_contrast(cells):
    activations, expression, _ = cells
    everyone = np.zeros(400, dtype=int)
    options = {"config": CONFIG, "convention": "corrected"}
    table = test_expression(activations, expression, GENES, **options)
    within = test_expression(
        activations, expression, GENES, contrast="within_type", strata=everyone, **options
    )
    pd.testing.assert_frame_equal(within, table, rtol=1e-12)


def test_what_all_cells_of_a_type_share_does_not_count(cells):
    # Every gene of a stratum is moved by a constant: t within type stays, the global t does not.
    activations, expression, strata = cells
    moved = expression + np.random.default_rng(0).integers(0, 50, size=(6, 12))[strata]
    sets = split_cells(activations, config=CONFIG, convention="corrected")
    matched = match_cells(sets, strata, config=CONFIG)
    options = {"config": RAW, "convention": "corrected"}
    before, after = (
        test_genes(matched, prepare_expression(values).by(strata), **options)
        for values in (expression, moved)
    )
    np.testing.assert_allclose(after.t, before.t, rtol=1e-9, atol=1e-12)
    before, after = (
        test_genes(sets, prepare_expression(values), **options) for values in (expression, moved)
    )
    assert np.abs(after.t - before.t).max() > 1


def test_features_that_know_of_types_alone_are_not_found_within_type():
    # Activations and expression depend on the stratum and on nothing else that they share.
    rng = np.random.default_rng(1)
    strata = rng.integers(0, 5, size=800)
    activations = np.maximum(rng.normal(size=(800, 12)) + rng.normal(size=(5, 12))[strata] - 0.5, 0)
    expression = 20 + rng.normal(size=(5, 600))[strata] + rng.normal(size=(800, 600))
    genes = [f"G{number}" for number in range(600)]
    rates = {
        contrast: (
            test_expression(
                sparse.csr_matrix(activations),
                expression,
                genes,
                config=DgeConfig(high_percentile=90),
                convention="corrected",
                contrast=contrast,
                strata=strata,
            )["p"]
            < 0.05
        ).mean()
        for contrast in ("global", "within_type")
    }
    assert 0.045 < rates["within_type"] < 0.055
    assert rates["global"] > 0.3


def test_chunks_and_permutations_within_strata(cells):
    activations, expression, strata = cells
    sets = split_cells(activations, config=CONFIG, convention="corrected")
    matched = match_cells(sets, strata, config=CONFIG)
    prepared = prepare_expression(expression).by(strata)
    options = {"config": CONFIG, "convention": "corrected"}
    whole = test_genes(matched, prepared, **options)
    part = test_genes(matched.rows(slice(4, 9)), prepared, **options)
    np.testing.assert_array_equal(part.t, whole.t[4:9])
    order = np.arange(400)
    for stratum in range(6):
        places = np.flatnonzero(strata == stratum)
        order[places] = np.random.default_rng(stratum).permutation(places)
    moved = test_genes(matched.permuted(order), prepared, **options)
    copied = test_genes(matched, prepare_expression(expression[order]).by(strata), **options)
    np.testing.assert_allclose(moved.t, copied.t, rtol=1e-10, atol=1e-13)
    with pytest.raises(ValueError, match="within their stratum only"):
        matched.permuted(np.roll(order, 1))
    with pytest.raises(ValueError, match="prepare the expression by the strata"):
        test_genes(matched, prepare_expression(expression), **options)
