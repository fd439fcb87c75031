"""Tests of terms by pencil and against scipy, calibration, error rates, and the nulls."""

import re
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
from featurelens.dge.layout import prepare_expression
from featurelens.dge.tables import test_expression
from featurelens.enrichment.annotate import annotate
from featurelens.enrichment.calibration import calibrate, held_out_rates
from featurelens.enrichment.config import EnrichmentConfig
from featurelens.enrichment.exchange import Cells
from featurelens.enrichment.filters import combine, declare, read_kept
from featurelens.enrichment.nulls import Experiment, orders
from featurelens.enrichment.summary import summarise
from featurelens.enrichment.term_tests import (
    GeneStatistics,
    TermTests,
    gene_statistics,
    kept_published,
    test_terms_corrected,
    test_terms_published,
)
from featurelens.genesets.sets import GeneSets
from featurelens.io import InputError, write_tables
from featurelens.means import ALONE, Means

CONFIG = EnrichmentConfig(min_genes=2, n_permutations=4)


def gene_sets(**sets):
    return GeneSets(
        names=tuple(sets),
        descriptions=tuple(f"category of {name}|pencil" for name in sets),
        genes=tuple(tuple(genes.split()) for genes in sets.values()),
    )


TEN = [f"g{number}" for number in range(10)]
MEMBERSHIP = gene_sets(first="g0 g1 g2", second="g3 g4", third="g2 g5 g6 g7").membership(
    TEN, min_genes=2, max_genes=9
)


def statistics(log2_fold, q, t=None):
    log2_fold, q = np.atleast_2d(np.array(log2_fold, float)), np.atleast_2d(np.array(q, float))
    t = log2_fold if t is None else np.atleast_2d(np.array(t, float))
    names = tuple(str(number) for number in range(len(log2_fold)))
    return GeneStatistics(names, np.full(len(log2_fold), 100), log2_fold, t, q)


# --- published -----------------------------------------------------------------------------------

FOLDS = [3, 2, 0.5, 0.4, 0.3, 0.2, 0.1, 0, -0.1, -2]


def published(log2_fold, q):
    return test_terms_published(statistics(log2_fold, q), MEMBERSHIP, deg_p=1e-5, fold=2.0)


def test_published_by_pencil():
    # Selected: q < 1e-5 and fold beyond 2 either way: genes 0, 1 (up) and 9 (down).
    tests = published(FOLDS, [1e-6, 1e-6, 1e-6, 1, 1, 1, 1, 1, 1, 1e-7])
    np.testing.assert_array_equal(tests.n_hits, [[2, 0, 0]])
    np.testing.assert_array_equal(tests.n_selected, [[3, 3, 3]])
    np.testing.assert_allclose(tests.expected, [[0.9, 0.6, 1.2]])  # 3 x size / 10 genes
    np.testing.assert_allclose(tests.fold, [[2 / 0.9, 0, 0]])
    assert tests.higher.tolist() == [[True, False, False]]
    # Two of three at .3: P(2) + P(3) = .189 + .027, and P(0) = .343 is likelier: .216.
    np.testing.assert_allclose(tests.p_hits[0, 0], 0.216)
    # Ranks 10, 9, 8 of 10: no other gene is higher, so U = 0 of 21 and z = -10.5 / sqrt(19.25).
    np.testing.assert_allclose(tests.effect[0, 0], 0.0)
    np.testing.assert_allclose(
        tests.p_mannwhitney[0, 0], scipy.stats.norm.cdf(-10.5 / np.sqrt(3 * 7 * 11 / 12))
    )
    assert np.isnan(tests.score).all()


@pytest.mark.parametrize(
    ("log2_fold", "q", "n_selected"),
    [
        (FOLDS, [0.01] * 3 + [1] * 6 + [0.2], 2),  # no q below 1e-5: below .05, folds beyond 2
        ([0.9] * 3 + [0.0] * 6 + [-5], [1e-6] * 3 + [1] * 6 + [1e-6], 4),  # no fold above 2: any
        ([0.9] * 3 + [0.0] * 7, [0.04] * 2 + [1] * 8, 2),  # both bounds relaxed
        ([1.0] + [0.0] * 9, [1e-6] * 2 + [1] * 8, 0),  # a fold of exactly 2: bound stands, not met
        ([np.inf, np.nan] + [0.0] * 8, [1e-6] * 3 + [1] * 7, 1),  # x / 0 counts, 0 / 0 does not
        ([-3] * 2 + [0.0] * 8, [1e-6] * 2 + [1] * 8, 2),  # only down: any fold
    ],
)
def test_published_thresholds_adapt(log2_fold, q, n_selected):
    assert (published(log2_fold, q).n_selected == n_selected).all()


def test_published_keeps_depletion_and_the_stricter_filter_needs_hits():
    # 4 of 6 selected when 1 in 10 is expected, against none when many are.
    hits = np.array([[4, 0, 0]])
    unused = dict.fromkeys(("share", "z_mannwhitney", "effect", "score"), hits.astype(float))
    tests = TermTests(
        features=("0",),
        n_low=np.array([50]),
        n_hits=hits,
        n_selected=hits + 6,
        higher=hits > 0,
        log_p_hits=np.log([[0.01, 0.04, 0.04]]),
        p_mannwhitney=np.array([[0.01, 0.009, 0.2]]),
        **unused,
    )
    both, figures = kept_published(tests)
    assert both.tolist() == [[True, True, False]]
    assert figures.tolist() == [[True, False, False]]


def test_published_without_selected_genes_keeps_nothing():
    tests = published([0.0] * 10, [1.0] * 10)
    assert np.isnan(tests.p_hits).all()
    assert not kept_published(tests)[0].any()


# --- corrected -----------------------------------------------------------------------------------


def test_corrected_by_pencil():
    # Genes 8 and 9 stand in no set: 8 genes are compared. Up: 0, 1; down: 3 (q, fold <= 1/2).
    t = [9, 8, 1, -7, -6, 2, 3, 4, 100, -100]
    tests = test_terms_corrected(
        statistics([2, 1, 1, -1, -3, 0, 0, 0, 5, -5], [0, 0, 1, 0, 1, 1, 1, 1, 0, 0], t),
        MEMBERSHIP,
        deg_p=1e-5,
        fold=2.0,
    )
    assert tests.higher.tolist() == [[True, False, True]]
    np.testing.assert_array_equal(tests.n_hits, [[2, 1, 0]])
    np.testing.assert_array_equal(tests.n_selected, [[2, 1, 2]])
    np.testing.assert_allclose(tests.expected, [[0.75, 0.25, 1.0]])  # selected x size / 8
    # Both of 2 drawn among 3 of 8: 3 / 28; 1 of 1 drawn among 2 of 8: 1 / 4.
    np.testing.assert_allclose(tests.p_hits, [[3 / 28, 0.25, 1.0]])
    # The two lowest of 8: one of C(8, 2) = 28 pairs, two-sided 2 / 28.
    np.testing.assert_allclose(tests.p_mannwhitney[0, 1], 2 / 28)
    np.testing.assert_allclose(tests.effect[0, 1], 0.0)
    # Mean t 6 of genes 0-2 against mean -4 / 5 of the other five mapped genes.
    np.testing.assert_allclose(tests.score[0, 0], 6 + 0.8)


def test_corrected_rank_sum_equals_scipy_with_ties_and_missing_t():
    rng = np.random.default_rng(3)
    genes = [f"g{number}" for number in range(60)]
    sets = {f"s{i}": " ".join(rng.choice(genes, 12, replace=False)) for i in range(9)}
    membership = gene_sets(**sets, rest=" ".join(genes)).membership(
        genes, min_genes=2, max_genes=30
    )
    t = np.round(rng.normal(size=(4, 60)) * 3)
    t[1, :5] = np.nan
    tests = test_terms_corrected(
        statistics(np.zeros((4, 60)), np.ones((4, 60)), t), membership, deg_p=1e-5, fold=2.0
    )
    inside = membership.matrix.toarray() > 0
    for feature, term in np.ndindex(tests.effect.shape):
        row = t[feature]
        groups = [row[mask & ~np.isnan(row)] for mask in (inside[term], ~inside[term])]
        expected = scipy.stats.mannwhitneyu(*groups, method="asymptotic")
        np.testing.assert_allclose(tests.p_mannwhitney[feature, term], expected.pvalue, rtol=1e-9)
        np.testing.assert_allclose(tests.score[feature, term], groups[0].mean() - groups[1].mean())


def test_turning_a_feature_round_turns_its_directions_round():
    rng = np.random.default_rng(4)
    folds, q = rng.normal(size=(5, 10)) * 2, rng.random((5, 10)) ** 8
    up, down = (
        test_terms_corrected(statistics(sign * folds, q), MEMBERSHIP, deg_p=0.01, fold=1.5)
        for sign in (1, -1)
    )
    decided = up.effect != 0.5
    np.testing.assert_allclose(up.p_mannwhitney, down.p_mannwhitney)
    np.testing.assert_allclose(up.effect, 1 - down.effect)
    assert (up.higher != down.higher)[decided].all()
    np.testing.assert_array_equal(up.n_hits[decided], down.n_hits[decided])


def test_hypergeometric_equals_gseapy():
    gseapy = pytest.importorskip("gseapy", exc_type=ImportError)
    rng = np.random.default_rng(8)
    genes = [f"G{number}" for number in range(200)]
    sets = {f"s{i}": list(rng.choice(genes, 15, replace=False)) for i in range(12)}
    q = np.where(rng.random(200) < 0.2, 1e-9, 1.0)
    membership = gene_sets(**{name: " ".join(s) for name, s in sets.items()}).membership(
        genes, min_genes=2, max_genes=100
    )
    mapped = np.array(genes)[membership.in_universe]
    tests = test_terms_corrected(
        statistics(np.full(200, 3.0), q, rng.normal(size=200)),
        membership,
        deg_p=1e-5,
        fold=2.0,
    )
    selected = [gene for gene, value in zip(genes, q, strict=True) if value < 1e-5]
    result = gseapy.enrich(
        gene_list=[gene for gene in selected if gene in mapped],
        gene_sets=sets,
        background=list(mapped),
        outdir=None,
    ).results.set_index("Term")["P-value"]
    shared = [name for name in np.array(membership.terms)[tests.higher[0]] if name in result.index]
    assert len(shared) >= 3
    own = pd.Series(tests.p_hits[0], index=membership.terms)
    np.testing.assert_allclose(own[shared], result[shared], rtol=1e-9)


# --- from a table --------------------------------------------------------------------------------


def dge_table(features, genes, log2_fold):
    rows = [
        {"feature": feature, "gene": gene, "log2_fold": fold, "t": fold, "q": 0.5, "n_low": 50}
        for feature, folds in zip(features, log2_fold, strict=True)
        for gene, fold in zip(genes, folds, strict=True)
    ]
    return pd.DataFrame(rows)


def test_gene_statistics_put_genes_in_the_order_of_the_membership():
    order = list(reversed(TEN))
    table = dge_table(["7", "2"], order, [range(10), range(10, 20)])
    genes = gene_statistics(table, MEMBERSHIP)
    assert genes.features == ("7", "2")
    np.testing.assert_array_equal(genes.t, [range(9, -1, -1), range(19, 9, -1)])


def test_other_genes_are_refused():
    table = dge_table(["0"], [*TEN[:9], "other"], [range(10)])
    with pytest.raises(InputError, match="each of 10 genes once per feature"):
        gene_statistics(table, MEMBERSHIP)


def test_without_features_there_is_an_empty_table_and_a_reason(tmp_path):
    for convention in ("published", "corrected"):
        annotation = annotate(experiment(sparse.csr_matrix((30, 3)), np.ones((30, 10)), convention))
        assert len(annotation.enrichment) == 0
        assert (annotation.summary["n_annotated"] == 0).all()
        assert annotation.summary["why_nothing"].str.startswith("no feature has enough").all()
        write_tables(annotation.tables(), tmp_path / "empty.parquet")
        read = pd.read_parquet(tmp_path / "empty.parquet")
        assert list(read.columns) == list(annotation.enrichment.columns)


def experiment(
    activations,
    expression,
    convention,
    *,
    precision="float64",
    genes=TEN,
    sets=MEMBERSHIP,
    dge_config=None,
    config=CONFIG,
    batch=None,
    cell_type=None,
    permuted=None,
    means=ALONE,
):
    """Everything one annotation needs; ``permuted`` are other activations for the null."""
    dge_config = dge_config or DgeConfig()
    labels = np.zeros(len(expression), dtype=int)
    prepared = prepare_expression(expression, precision=precision)
    table = test_expression(activations, prepared, genes, config=dge_config, convention=convention)
    permuted = activations if permuted is None else permuted
    return Experiment(
        statistics=[gene_statistics(table, sets)],
        membership=sets,
        cells=Cells(
            sets=split_cells(permuted, config=dge_config, convention=convention),
            prepared=prepared,
            batch=labels if batch is None else batch,
            cell_type=labels if cell_type is None else cell_type,
        ),
        n_live=int((activations.max(axis=0) > 0).sum()),
        dge_config=dge_config,
        config=config,
        convention=convention,
        means=means,
    )


# --- calibration and error rates -----------------------------------------------------------------


def test_calibrate_by_pencil():
    # Null -3 -1 1 3. Measured by the other three (means 1, 1/3, -1/3, -1; variances 8/3, 56/9,
    # 56/9, 8/3) they lie -2.449, -0.535, 0.535 and 2.449 spreads out. A score of 2 lies
    # 2 / sqrt(5) = 0.894 out, beyond which is one of four: 2 (1 + 1) / (1 + 4).
    null = np.array([-3.0, -1, 1, 3], np.float32).reshape(4, 1, 1)
    calibration = calibrate(null.copy(), np.array([9]))
    spread = 4 / np.sqrt(8 / 3), (4 / 3) / np.sqrt(56 / 9)
    np.testing.assert_allclose(
        calibration.distance.ravel(), [-spread[0], -spread[1], spread[1], spread[0]], rtol=1e-6
    )
    p, above = calibration.p(np.array([[2.0]]))
    np.testing.assert_allclose(p, 0.8)
    assert above.all()
    p, above = calibration.p(np.array([[-9.0]]))
    np.testing.assert_allclose(p, 0.4)  # nothing as far out: 2 (1 + 0) / (1 + 4)
    assert not above.any()
    assert calibration.resolution == 0.4
    # Held out, -3 stands alone below the other three: 2 (1 + 0) / (1 + 3).
    np.testing.assert_allclose([calibration.held_out(i)[0] for i in (0, 1)], [[[0.5]], [[1.0]]])


def test_calibrate_gives_no_p_where_there_is_nothing_to_measure():
    null = np.array([-3.0, -1, 1, 3], np.float32).reshape(4, 1, 1)
    assert np.isnan(calibrate(null, np.array([9])).p(np.array([[np.nan]]))[0])
    constant = calibrate(np.ones((4, 1, 1), np.float32), np.array([9]))
    assert np.isnan(constant.p(np.array([[1.0]]))[0])


def test_calibrate_takes_each_term_by_its_own_spread_and_each_bin_by_its_own_null():
    rng = np.random.default_rng(0)
    spread = np.array([1.0, 10.0, 0.1])
    n_low = np.repeat([20, 500], 100)
    wide = np.where(n_low == 20, 5.0, 1.0)[:, None]
    null = rng.normal(size=(20, 200, 3)) * spread * wide + 2 * spread
    held_out = rng.normal(size=(200, 3)) * spread * wide + 2 * spread
    p, _ = calibrate(null.astype(np.float32), n_low).p(held_out)
    for part in (p[:, 0], p[:, 1], p[:, 2], p[:100].ravel(), p[100:].ravel()):
        assert scipy.stats.kstest(part, "uniform").pvalue > 0.01


def test_few_draws_do_not_make_held_out_p_too_small():
    # Features that move as one: three draws are three scores of each term, whatever their number.
    rng = np.random.default_rng(1)

    def draws(n):
        return np.repeat(rng.normal(size=(n, 1, 400)), 30, axis=1).astype(np.float32)

    p = [calibrate(draws(3), np.full(30, 9)).p(draws(1)[0])[0] for _ in range(20)]
    assert np.mean(np.array(p) < 0.05) < 0.06
    own = [calibrate(draws(3), np.full(30, 9)).held_out(0)[0] for _ in range(20)]
    assert np.mean(np.array(own) < 0.05) == pytest.approx(0.05, abs=0.01)


def test_held_out_rates_are_those_of_draws_without_a_part():
    # The second half of the draws is twice as wide: by the first, too many of them are far out.
    rng = np.random.default_rng(4)
    score = rng.normal(size=(24, 50, 20)).astype(np.float32)
    score[12:] *= 2
    rates = held_out_rates(score, np.full(50, 9))
    assert np.isnan(rates).sum() == 14
    wide = 2 * scipy.stats.norm.sf(scipy.stats.norm.isf(0.025) / 2)
    assert np.nanmean(rates[12:]) == pytest.approx(wide, abs=0.02)
    assert np.nanmean(rates[:12]) == pytest.approx(0.0, abs=0.002)
    assert np.isnan(held_out_rates(score[:3], np.full(50, 9))).all()


def test_both_tails_of_a_skewed_null_hold_their_share():
    rng = np.random.default_rng(2)
    null, fresh = rng.exponential(size=(2, 20, 60, 40)).astype(np.float32)
    calibration = calibrate(null, np.full(60, 9))
    found = [calibration.p(score) for score in fresh]
    for is_above in (True, False):
        share = np.mean([(p < 0.05) & (above == is_above) for p, above in found])
        assert share == pytest.approx(0.025, abs=0.004)


def test_threads_change_nothing():
    rng = np.random.default_rng(3)
    null = rng.normal(size=(5, 300, 7)).astype(np.float32)
    n_low = rng.integers(20, 400, 300)
    one, two = (calibrate(null.copy(), n_low, threads=n) for n in (1, 2))
    np.testing.assert_array_equal(one.distance, two.distance)
    np.testing.assert_array_equal(one.held_out(0)[0], two.held_out(0, threads=2)[0])


def test_combine_by_pencil():
    p = combine(
        np.array([0.01, 0.01, 0.2, np.nan]),
        np.array([0.04, 0.04, 0.1, 0.1]),
        np.array([True, False, True, False]),
    )
    np.testing.assert_array_equal(p, [0.04, 1.0, 0.2, np.nan])


def test_declare_by_pencil():
    # Simes of three features: .02 (2 x .01), .03 (both .03), .8 (.8 and .8).
    # BH over features: .045 = 3 x .03 / 2 for the first two, .8. R = 2 of m = 3 at .05.
    # Within: BH .02 .5; .03 .03; .8 .8; times 3 / 2.
    p = np.array([[0.01, 0.5], [0.03, 0.03], [0.8, 0.8]])
    q_feature, q = declare(p, alpha=0.05)
    np.testing.assert_allclose(q_feature[:, 0], [0.045, 0.045, 0.8])
    np.testing.assert_allclose(q, [[0.03, 0.75], [0.045, 0.045], [1.0, 1.0]])


@settings(derandomize=True, max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.01, 0.2))
def test_only_declared_features_have_terms_below_alpha(seed, alpha):
    rng = np.random.default_rng(seed)
    p = rng.random((12, 6)) ** rng.integers(1, 5, size=(12, 1))
    p[rng.random((12, 6)) < 0.1] = np.nan
    q_feature, q = declare(p, alpha=alpha)
    below = np.nan_to_num(q, nan=1.0).min(axis=1) <= alpha
    np.testing.assert_array_equal(below, np.nan_to_num(q_feature[:, 0], nan=1.0) <= alpha)


def test_orders_keep_the_places_of_every_label():
    batch = np.array(["b", "a", "b", "a", "a", "b", "c"])
    found = list(orders(batch, 6, seed=(0, 0)))
    assert len({tuple(order) for order in found}) > 1
    for order in found:
        assert sorted(order) == list(range(7))
        np.testing.assert_array_equal(batch[order], batch)


# --- everything together -------------------------------------------------------------------------

N_CELLS, N_TERMS, PER_TERM = 400, 12, 6
GENES = [f"G{number}" for number in range(N_TERMS * PER_TERM)]
DGE = DgeConfig(high_percentile=90)
FULL = EnrichmentConfig(n_permutations=12, n_control_permutations=3)


@pytest.fixture(scope="module")
def cells():
    """Twelve programs of six genes; five features follow one program each, forty follow none."""
    rng = np.random.default_rng(21)
    programs = rng.gamma(1.0, size=(N_CELLS, N_TERMS))
    loadings = rng.gamma(0.5, 0.3, size=(N_TERMS, N_TERMS * PER_TERM))
    loadings += 3 * np.repeat(np.eye(N_TERMS), PER_TERM, axis=1)
    expression = programs @ loadings  # decoded: genes have no noise of their own
    signal = np.maximum(programs[:, :5] - 1, 0)
    noise = np.maximum(rng.normal(size=(N_CELLS, 40)) - 0.3, 0)
    return sparse.csr_matrix(np.hstack([signal, noise]).astype(np.float32)), expression


def programs(n_strangers=0):
    """Gene sets of the programs, with a few genes of the next program."""
    sets = {
        f"program {number}": " ".join((GENES * 2)[first : first + PER_TERM + n_strangers])
        for number, first in enumerate(range(0, len(GENES), PER_TERM))
    }
    return gene_sets(**sets).membership(GENES, min_genes=3, max_genes=50)


@pytest.fixture(scope="module")
def membership():
    return programs()


@pytest.fixture(scope="module")
def annotations(cells, membership):
    return {name: run(cells, membership, name) for name in ("published", "corrected")}


def setup(cells, membership, convention, config=FULL, **options):
    activations, expression = cells
    return experiment(
        activations,
        expression,
        convention,
        genes=GENES,
        sets=membership,
        dge_config=DGE,
        config=config,
        **options,
    )


def run(cells, membership, convention, config=FULL, **options):
    return annotate(setup(cells, membership, convention, config, **options))


def test_corrected_finds_the_planted_terms_and_little_else(annotations):
    table = annotations["corrected"].enrichment
    kept = table[table["kept_fdr"] & (table["direction"] == "up")]
    found = set(zip(kept["feature"].astype(str), kept["term"].astype(str), strict=True))
    assert {(str(number), f"program {number}") for number in range(5)} <= found
    false = table.loc[table["kept_fdr"] & (table["feature"].astype(int) >= 5), "feature"].nunique()
    assert false <= 2


def test_published_annotates_noise(annotations):
    # The same forty features that mean nothing; terms' genes move together in every cell.
    table = annotations["published"].enrichment
    noise = table[table["feature"].astype(int) >= 5]
    assert noise.loc[noise["kept_published_05"], "feature"].nunique() >= 3


def test_the_null_says_what_chance_annotates(annotations):
    null = {
        name: annotation.null.query("null == 'complete'")
        for name, annotation in annotations.items()
    }
    assert list(null["published"]["filter"].unique()) == [
        "kept_published_05",
        "kept_published_figures",
    ]
    assert (null["published"]["n_features"] == 45).all()
    assert null["published"].query("filter == 'kept_published_05'")["share"].mean() > 0.05
    assert null["corrected"]["share"].mean() < 0.01
    # Genes of a program move together: the rank-sum p is far from its word, the calibrated p not.
    assert null["corrected"]["p05_mannwhitney"].mean() > 0.1
    assert null["corrected"]["p05_calibrated"].mean() == pytest.approx(0.05, abs=0.01)


def test_genes_that_exchange_their_statistics_are_what_the_rank_sum_assumes(annotations):
    null = annotations["corrected"].null.query("null == 'genes'")
    assert len(null) == FULL.n_control_permutations
    assert null["p05_mannwhitney"].mean() == pytest.approx(0.05, abs=0.02)
    assert null["share"].mean() < 0.05


def test_beyond_type_keeps_what_a_feature_knows_of_types(cells, membership):
    # Types are made of the first program, which feature 0 follows.
    activations, _ = cells
    kind = np.digitize(activations[:, 0].toarray().ravel(), [0.01, 0.5, 1.0, 2.0])
    config = replace(FULL, n_permutations=60)  # to tell one feature of 45 from none
    null = run(cells, membership, "corrected", config, cell_type=kind).null
    share = null.groupby("null")["n_annotated"].mean()
    assert share["beyond_type"] >= 1
    assert share["complete"] < 0.5


def test_nulls_are_those_of_the_config(cells, membership):
    config = replace(FULL, nulls=("genes",), n_permutations=2, n_control_permutations=3)
    null = run(cells, membership, "corrected", config).null
    assert null["null"].tolist() == ["complete"] * 2 + ["genes"] * 3


def test_float32_changes_only_what_is_near_a_bound(cells, membership, annotations):
    exact = annotations["corrected"]
    fast = run(cells, membership, "corrected", precision="float32")
    assert (fast.tests.score != exact.tests.score).any()
    assert np.abs(fast.tests.effect - exact.tests.effect).max() < 0.002
    q, effect = exact.columns["q"], exact.tests.effect
    is_near = (np.abs(q / FULL.alpha - 1) < 0.02) | (
        np.abs(np.abs(effect - 0.5) - FULL.min_effect) < 0.002
    )
    differs = fast.columns["kept_fdr"] != exact.columns["kept_fdr"]
    assert not (differs & ~is_near).any()
    ratio = fast.columns["p"] / exact.columns["p"]
    assert np.quantile(np.abs(np.log(ratio)), 0.99) < 0.02


def test_corrected_p_is_the_larger_of_both(annotations):
    table = annotations["corrected"].enrichment
    larger = table[["p_mannwhitney", "p_calibrated"]].max(axis=1)
    agree = table["p"] != 1
    assert agree.mean() > 0.7
    np.testing.assert_array_equal(table.loc[agree, "p"], larger[agree])
    kept = table[table["kept_fdr"]]
    assert (kept["q"] <= FULL.alpha).all()
    assert ((kept["effect"] - 0.5).abs() >= FULL.min_effect).all()


def test_columns_and_types(annotations):
    for convention, annotation in annotations.items():
        table = annotation.enrichment
        assert list(table.columns[:14]) == [
            "feature", "term", "category", "n_hits", "n_selected", "n_term", "expected", "fold",
            "direction", "p_binomial", "p_hypergeometric", "log10_p_hits", "p_mannwhitney",
            "z_mannwhitney",
        ]  # fmt: skip
        hits = "p_binomial" if convention == "published" else "p_hypergeometric"
        np.testing.assert_allclose(10 ** table["log10_p_hits"], table[hits])
        assert len(table) == 45 * N_TERMS
        assert (table["convention"] == convention).all()
        assert table["category"].iloc[0] == "category of program 0"
    assert not annotations["published"].enrichment["kept_fdr"].any()
    assert not annotations["corrected"].enrichment["kept_published_05"].any()


def test_the_same_seed_gives_the_same_bytes(annotations, cells, membership):
    again = run(cells, membership, "corrected")
    pd.testing.assert_frame_equal(again.enrichment, annotations["corrected"].enrichment)
    pd.testing.assert_frame_equal(again.null, annotations["corrected"].null)


def test_chunks_and_threads_change_nothing(annotations, cells, membership, monkeypatch, tmp_path):
    monkeypatch.setattr("featurelens.enrichment.nulls.CHUNK", 7)
    monkeypatch.setattr("featurelens.enrichment.nulls.PIECE", 3)
    for convention, annotation in annotations.items():
        again = setup(cells, membership, convention)
        [genes] = again.statistics
        again = annotate(replace(again, statistics=list(genes.pieces(10)), means=Means(2)))
        pd.testing.assert_frame_equal(again.null, annotation.null)
        pd.testing.assert_frame_equal(again.summary, annotation.summary)
        path = tmp_path / f"{convention}.parquet"
        write_tables(again.tables(n_features=8), path)
        read = pd.read_parquet(path)
        pd.testing.assert_frame_equal(
            read, annotation.enrichment, check_categorical=False, check_dtype=False
        )
        filters = [name for name in read if name.startswith("kept_")]
        assert len(read_kept(path)) == read[filters].any(axis=1).sum()


def test_without_permutations_p_is_uncalibrated(cells, membership):
    config = EnrichmentConfig(n_permutations=0)
    annotation = run(cells, membership, "corrected", config)
    assert annotation.enrichment["p_calibrated"].isna().all()
    np.testing.assert_array_equal(
        annotation.enrichment["p"], annotation.enrichment["p_mannwhitney"]
    )
    assert len(annotation.null) == 0
    assert annotation.summary["share_complete"].isna().all()


def test_a_null_of_other_features_is_refused(cells, membership):
    with pytest.raises(InputError, match="the null holds 10 features"):
        run(cells, membership, "corrected", permuted=cells[0][:, :10])


def test_summary_by_pencil():
    # Features 0, 1 and 2 keep 1, 2 and 3 terms of 4; feature 3 none. Only the last goes up.
    kept = np.array([[term < feature + 1 < 4 for term in range(4)] for feature in range(4)])
    nothing = np.zeros((4, 4))
    tests = TermTests(
        features=("0", "1", "2", "3"), n_low=np.full(4, 50), share=nothing[0], n_hits=nothing,
        n_selected=nothing, higher=np.arange(4)[:, None] == [[2]] * 4, log_p_hits=nothing,
        p_mannwhitney=nothing, z_mannwhitney=nothing, effect=nothing, score=nothing,
    )  # fmt: skip
    null = pd.DataFrame(
        {
            "null": ["complete"] * 3 + ["genes"],
            "filter": "kept_fdr",
            "share": [0.1, 0.2, 0.3, 0.0],
            "p05_mannwhitney": [0.12, 0.14, 0.1, 0.9],
            "p05_calibrated": [0.05, 0.05, 0.05, 0.9],
        }
    )
    (row,) = summarise(tests, {"kept_fdr": kept}, null, 10, convention="corrected").to_dict(
        "records"
    )
    assert (row["convention"], row["filter"]) == ("corrected", "kept_fdr")
    assert (row["n_tested"], row["n_annotated"], row["n_annotated_up"]) == (4, 3, 1)
    assert (row["n_terms"], row["n_terms_tested"]) == (3, 4)
    assert (row["share"], row["share_complete"]) == (0.3, pytest.approx(0.2))
    assert row["sd_complete"] == pytest.approx(0.1)
    assert row["share_genes"] == 0
    assert np.isnan(row["sd_genes"])
    assert np.isnan(row["share_beyond_type"])
    assert row["p05_mannwhitney"] == pytest.approx(0.12)
    assert row["terms_per_feature_mean_up"] == kept[2].sum()  # the one feature that has more
    # 1, 2, 3: mean 2, deviation 1, so 1 / sqrt(3) features; published: over 3 terms, the same.
    assert row["terms_per_feature_mean"] == row["terms_per_feature_median"] == 2
    assert row["terms_per_feature_sem"] == pytest.approx(1 / np.sqrt(3))
    assert row["terms_per_feature_sem_published"] == pytest.approx(1 / np.sqrt(3))
    assert (row["features_per_term_max"], row["share_of_annotated_max"]) == (3, 1.0)


@pytest.mark.parametrize(
    ("config", "convention", "reasons"),
    [
        ({"min_effect": 0.499}, "corrected", ["declared, but their effects are at most", "0.499"]),
        ({"alpha": 1e-9}, "corrected", ["45 features tested", "above enrichment.alpha 1e-09"]),
        ({"n_permutations": 2, "alpha": 1e-3}, "corrected", ["raise enrichment.n_permutations"]),
        ({"deg_p": 1e-200, "fold": 1e6}, "published", ["45 features tested", "Mann-Whitney"]),
    ],
)
def test_an_annotation_that_keeps_nothing_says_why(cells, config, convention, reasons):
    lines = []
    membership = programs(n_strangers=1)
    if convention == "published":  # without a selected gene: no expression differs
        cells = (cells[0], np.broadcast_to(np.arange(1.0, 73.0), cells[1].shape).copy())
    config = replace(FULL, nulls=(), **config)
    annotation = run(cells, membership, convention, config, means=Means(log=lines.append))
    assert (annotation.summary["n_annotated"] == 0).all()
    for reason in reasons:
        assert annotation.summary["why_nothing"].str.contains(reason, regex=False).all()
    assert any(line.startswith("NOTHING IS KEPT under kept_") for line in lines)


def test_the_log_holds_both_rates_and_warns_of_few_permutations(cells, membership):
    lines = []
    run(cells, membership, "corrected", means=Means(log=lines.append))
    text = "\n".join(lines)
    assert re.search(
        r"null complete, kept_fdr: .*; p_mannwhitney below \.05 in 0\.\d+ of cases, "
        r"p_calibrated, held out, in 0\.0[456]",
        text,
    )
    assert "ATTENTION: 12 permutations calibrate p only roughly" in text


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"min_genes": 10, "max_genes": 5}, "max_genes 5 is below min_genes 10"),
        ({"n_permutations": 1}, "n_permutations must be 0 or at least 2"),
    ],
)
def test_config_checks(fields, message):
    with pytest.raises(ValueError, match=message):
        EnrichmentConfig(**fields)
