"""High and low sets by hand, differential expression against scipy and scanpy."""

import anndata
import mpmath
import numpy as np
import pandas as pd
import pytest
import scanpy
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from featurelens.dge.cell_sets import group_sizes, split_cells
from featurelens.dge.config import DgeConfig
from featurelens.dge.feature_tables import iter_feature_tables, write_feature_tables
from featurelens.dge.gene_tests import test_genes, test_statistics
from featurelens.dge.layout import prepare_expression, prepare_parts
from featurelens.dge.tables import iter_tests, test_expression
from featurelens.io import InputError
from featurelens.means import Means

SMALL = DgeConfig(
    high_percentile=75, min_cells=2, min_zero_cells=2, low_percentile=25, pseudocount=1.0
)


def sets_of(activations, config, convention):
    """High and low cells of every tested feature, as lists."""
    activations = sparse.csr_matrix(np.asarray(activations, dtype=np.float32))
    sets = split_cells(activations, config=config, convention=convention)
    return {
        int(column): (list(np.flatnonzero(high)), list(np.flatnonzero(low)))
        for column, high, low in zip(
            sets.columns, sets.high.toarray(), sets.low().toarray(), strict=True
        )
    }


# Cells are rows; features: sparse, dense, rarely active, dead, two cells zero.
ACTIVATIONS = np.array(
    [
        [0, 1, 0, 0, 5],
        [0, 2, 0, 0, 4],
        [0, 3, 0, 0, 3],
        [0, 4, 0, 0, 2],
        [1, 5, 0, 0, 1],
        [3, 6, 0, 0, 1],
        [2, 7, 0, 0, 0],
        [4, 8, 9, 0, 0],
    ],
    dtype=float,
)


def test_corrected_sets_by_pencil():
    # 25 % of 8 cells are 2. Feature 1 has no zero, so its 2 lowest are low; feature 2 has one
    # active cell, too few; feature 4 has the 2 zeros that min_zero_cells asks for.
    assert sets_of(ACTIVATIONS, SMALL, "corrected") == {
        0: ([5, 7], [0, 1, 2, 3]),
        1: ([6, 7], [0, 1]),
        4: ([0, 1], [6, 7]),
    }


def test_published_sets_by_pencil():
    # Percentile 75 of 8 cells lies at position 5.25 of the sorted values, zeros included:
    # feature 0: 2 + .25 x (3 - 2) = 1.25 past the fifth (1): sorted 0 0 0 0 1 2 3 4, so 2.25;
    # feature 1: 6.25; feature 2: 0, so every active cell is high; feature 4: 3.25.
    assert sets_of(ACTIVATIONS, SMALL, "published") == {
        0: ([5, 7], [0, 1, 2, 3]),
        1: ([6, 7], []),
        2: ([7], [0, 1, 2, 3, 4, 5, 6]),
        4: ([0, 1], [6, 7]),
    }


def test_group_sizes_say_what_became_of_every_feature():
    activations = sparse.csr_matrix(ACTIVATIONS)
    table = group_sizes(activations, config=SMALL, convention="corrected")
    assert list(table["status"]) == ["tested", "tested", "too few active cells", "dead", "tested"]
    assert list(table["low_rule"]) == ["zeros", "lowest", "", "", "zeros"]
    assert list(table["n_active"]) == [4, 8, 1, 0, 6]
    assert list(table["n_high"]) == [2, 2, 0, 0, 2]


def test_ties_go_together_and_leave_the_other_set():
    # Cells tied at the bound are all high; a feature that never varies has no low cell.
    config = DgeConfig(high_percentile=75, min_cells=2, min_zero_cells=4, low_percentile=25)
    tied = np.array([[1, 1, 1, 1, 2, 2, 2, 3], [5] * 8]).T
    assert sets_of(tied, config, "corrected") == {0: ([4, 5, 6, 7], [0, 1, 2, 3])}
    table = group_sizes(sparse.csr_matrix(tied), config=config, convention="corrected")
    assert list(table["status"]) == ["tested", "too few low cells"]


def test_few_high_cells_are_filled_up_to_min_cells():
    # 1 % of 300 cells are 3; at least 20 are taken when as many are active.
    activations = np.zeros((300, 1))
    activations[:50, 0] = np.arange(1, 51)
    high, low = sets_of(activations, DgeConfig(), "corrected")[0]
    assert high == list(range(30, 50))
    assert low == list(range(50, 300))


def test_published_loses_features_with_exactly_100_active_cells():
    activations = np.zeros((300, 3))
    for column, n_active in enumerate((99, 100, 101)):
        activations[:n_active, column] = 1
    table = group_sizes(sparse.csr_matrix(activations), config=DgeConfig(), convention="published")
    assert list(table["status"]) == ["tested", "exactly 100 active cells", "tested"]


@pytest.mark.parametrize(
    ("low_cells", "rule"), [("all", "zeros"), ("first", "first"), ("sample", "sample")]
)
def test_published_low_cells(low_cells, rule):
    # Cells 0 to 9 are active, 290 are not: all of them, the first 30, or 30 drawn.
    activations = np.zeros((300, 3))
    activations[:10] = 1 + np.arange(10)[:, None]
    config = DgeConfig(low_cells=low_cells, max_low_cells=30)
    table = group_sizes(sparse.csr_matrix(activations), config=config, convention="published")
    assert list(table["low_rule"]) == [rule] * 3
    low = [low for _, low in sets_of(activations, config, "published").values()]
    if low_cells == "sample":
        assert {len(set(cells)) for cells in low} == {30}
        assert min(map(min, low)) >= 10
        assert low[0] != low[1]  # each feature draws its own
        assert low == [low for _, low in sets_of(activations, config, "published").values()]
        alone = sets_of(activations[:, :1], config, "published")
        assert alone[0][1] == low[0]  # whatever other features there are
    else:
        assert low == [list(range(10, 300 if rule == "zeros" else 40))] * 3
    capped = DgeConfig(low_cells=low_cells, max_low_cells=300)
    assert set(sets_of(activations, capped, "published")[0][1]) == set(range(10, 300))


@settings(derandomize=True, max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(["published", "corrected"]))
def test_sets_are_disjoint_and_follow_the_cells(seed, convention):
    rng = np.random.default_rng(seed)
    activations = rng.integers(0, 4, size=(40, 6)) * (rng.random((40, 6)) < rng.random(6))
    order = rng.permutation(40)
    config = DgeConfig(high_percentile=90, min_cells=3, min_zero_cells=6, low_percentile=10)
    sets, permuted = (sets_of(x, config, convention) for x in (activations, activations[order]))
    assert sets.keys() == permuted.keys()
    for column, (high, low) in sets.items():
        assert not set(high) & set(low)
        assert high or convention == "published"  # ties at the top leave no cell above
        assert [sorted(order[cells]) for cells in permuted[column]] == [high, low]


# --- statistics ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cells():
    """Activations (300, 40) and counts-like expression (300, 25), some of it constant."""
    rng = np.random.default_rng(12)
    activations = np.maximum(rng.normal(-0.2, 1, size=(300, 40)), 0)
    activations[:, 30:] += 0.1 + rng.random((300, 10))  # dense features
    expression = rng.poisson(1 + rng.gamma(1, 3, size=25), size=(300, 25)).astype(float)
    expression[:, 3] = 2.0
    expression[:, 4] = 0.0
    return sparse.csr_matrix(activations.astype(np.float32)), expression


GENES = [f"G{number}" for number in range(25)]


def tabulate(cells, convention, config=None):
    activations, expression = cells
    config = config or DgeConfig(high_percentile=95)
    return test_expression(activations, expression, GENES, config=config, convention=convention)


@pytest.mark.parametrize("convention", ["published", "corrected"])
def test_every_statistic_equals_scipy(cells, convention):
    activations, expression = cells
    config = DgeConfig(high_percentile=95, composition="raw")
    table = tabulate(cells, convention, config)
    sets = sets_of(activations.toarray(), config, convention)
    assert table["feature"].nunique() == len(sets) == 40
    pseudocount = 0.1 if convention == "corrected" else 0.0
    varies = ~np.isin(GENES, ["G3", "G4"])
    for column, (high, low) in sets.items():
        rows = table[table["feature"] == str(column)]
        assert (rows["n_high"] == len(high)).all()
        assert (rows["n_low"] == len(low)).all()
        if not low:
            assert (rows["p"] == 1).all()
            continue
        expected = scipy.stats.ttest_ind(
            expression[high][:, varies], expression[low][:, varies], equal_var=False
        )
        np.testing.assert_allclose(rows["t"][varies], expected.statistic, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(rows["df"][varies], expected.df, rtol=1e-9)
        np.testing.assert_allclose(rows["p"][varies], expected.pvalue, rtol=1e-9)
        means = [expression[group].mean(axis=0) + pseudocount for group in (high, low)]
        fold = np.log2(means[0][varies] / means[1][varies])
        np.testing.assert_allclose(rows["log2_fold"][varies], fold, rtol=1e-9, atol=1e-12)
        adjusted = scipy.stats.false_discovery_control(rows["p"].dropna())
        np.testing.assert_allclose(rows["q"].dropna(), adjusted, rtol=1e-9)


@pytest.mark.parametrize("convention", ["published", "corrected"])
def test_what_permutations_leave_out_is_large_and_the_rest_the_same(cells, convention):
    activations, expression = cells
    config = DgeConfig(high_percentile=95)
    sets = split_cells(activations, config=config, convention=convention)
    prepared = prepare_expression(expression)
    whole, part = (
        test_genes(sets, prepared, config=config, convention=convention, below=below)
        for below in (1.0, 0.05)
    )
    composition = "raw" if convention == "published" else config.composition
    t = test_statistics(sets, prepared, composition=composition)
    np.testing.assert_array_equal(t, whole.t)
    np.testing.assert_array_equal(part.t, whole.t)
    np.testing.assert_array_equal(part.log2_fold, whole.log2_fold)
    for bound in (0.05, 1e-5):
        np.testing.assert_array_equal(part.q < bound, whole.q < bound)
    small = whole.q <= 0.05
    assert 0 < small.sum() < small.size
    np.testing.assert_array_equal(part.q[small], whole.q[small])


def test_what_cannot_be_computed(cells):
    # Gene 3 is 2 everywhere: fold 1; gene 4 is 0 everywhere: 0 / 0, or 1 with a pseudocount.
    raw = DgeConfig(high_percentile=95, composition="raw")
    published, corrected = (tabulate(cells, name, raw) for name in ("published", "corrected"))
    for table, p, folds in ((published, 1.0, [0.0, np.nan]), (corrected, np.nan, [0.0, 0.0])):
        rows = table[table["feature"] == "0"].set_index("gene").loc[["G3", "G4"]]
        np.testing.assert_array_equal(rows["p"], [p, p])
        np.testing.assert_array_equal(rows["t"], [np.nan, np.nan])
        np.testing.assert_allclose(rows["log2_fold"], folds)


def test_published_p_is_one_where_either_set_is_constant():
    # Gene 1 is expressed in high cells only. Published: p = 1; Welch itself has an answer.
    expression = np.zeros((8, 2))
    expression[:, 0] = [1, 2, 1, 2, 1, 5, 1, 7]
    expression[[5, 7], 1] = [3, 4]
    activations = sparse.csr_matrix(ACTIVATIONS[:, :1])
    for convention, p in (
        ("published", 1.0),
        ("corrected", scipy.stats.ttest_ind([3, 4], [0] * 4, equal_var=False).pvalue),
    ):
        table = test_expression(
            activations, expression, ["A", "B"], config=SMALL, convention=convention
        )
        assert table["p"][1] == pytest.approx(p, rel=1e-9)
    # Means 3.5 and 0: infinite without, log2(4.5 / 1) with the pseudocount of one.
    assert table["log2_fold"][1] == pytest.approx(np.log2(4.5))
    sets = split_cells(activations, config=SMALL, convention="published")
    tests = test_genes(sets, prepare_expression(expression), config=SMALL, convention="published")
    assert tests.n_default == 1
    assert np.isposinf(tests.log2_fold[0, 1])


def test_a_zero_variance_survives_large_totals():
    # Low cells are a complement: totals of millions minus the rest must not leave noise.
    rng = np.random.default_rng(0)
    activations = np.zeros((1000, 1))
    activations[:800, 0] = rng.random(800) + 0.1
    expression = np.zeros((1000, 2))
    expression[:800] = rng.gamma(2.0, 1e4, size=(800, 2))
    sets = split_cells(sparse.csr_matrix(activations), config=DgeConfig(), convention="published")
    tests = test_genes(
        sets, prepare_expression(expression), config=DgeConfig(), convention="published"
    )
    assert tests.n_default == 2
    assert np.isposinf(tests.log2_fold).all()


def test_one_feature_equals_scanpy():
    rng = np.random.default_rng(5)
    counts = rng.poisson(rng.gamma(1, 4, size=30), size=(200, 30)).astype(float)
    activation = np.zeros((200, 1))
    activation[:40, 0] = 1 + rng.random(40)
    table = test_expression(
        sparse.csr_matrix(activation),
        np.log1p(counts),
        [f"G{number}" for number in range(30)],
        config=DgeConfig(high_percentile=80, composition="raw"),
        convention="corrected",
    ).set_index("gene")
    obs = pd.DataFrame(
        {"group": pd.Categorical(["high"] * 40 + ["low"] * 160)},
        index=[f"c{number}" for number in range(200)],
    )
    adata = anndata.AnnData(
        np.log1p(counts), obs=obs, var=pd.DataFrame(index=[f"G{number}" for number in range(30)])
    )
    scanpy.tl.rank_genes_groups(adata, "group", groups=["high"], reference="low", method="t-test")
    expected = scanpy.get.rank_genes_groups_df(adata, "high").set_index("names")
    table = table.loc[expected.index]
    # scanpy stores scores in float32.
    np.testing.assert_allclose(table["t"], expected["scores"], rtol=1e-6)
    np.testing.assert_allclose(table["p"], expected["pvals"], rtol=1e-9)
    np.testing.assert_allclose(table["q"], expected["pvals_adj"], rtol=1e-9)


def test_features_are_independent_of_each_other(cells):
    activations, expression = cells
    config = DgeConfig(high_percentile=95)
    sets = split_cells(activations, config=config, convention="corrected")
    prepared = prepare_expression(expression)
    whole = test_genes(sets, prepared, config=config, convention="corrected")
    part = test_genes(sets.rows(slice(7, 12)), prepared, config=config, convention="corrected")
    np.testing.assert_allclose(part.t, whole.t[7:12], rtol=1e-12)
    np.testing.assert_allclose(part.q, whole.q[7:12], rtol=1e-12)


def test_table_is_long_with_names(cells):
    table = tabulate(cells, "corrected")
    assert list(table.columns) == [
        "feature", "gene", "log2_fold", "t", "df", "p", "log10_p", "q",
        "n_high", "n_low", "n_unmatched", "low_rule",
    ]  # fmt: skip
    assert len(table) == 40 * 25
    assert list(table["gene"][:25]) == GENES
    assert isinstance(table["gene"].dtype, pd.CategoricalDtype)
    assert list(table["low_rule"].unique()) == ["zeros", "lowest"]


def test_the_log_counts_what_is_missing():
    lines = []
    expression = np.c_[np.arange(8.0), np.ones(8)]
    for convention in ("published", "corrected"):
        test_expression(
            sparse.csr_matrix(ACTIVATIONS),
            expression,
            ["A", "B"],
            config=SMALL,
            convention=convention,
            means=Means(log=lines.append),
        )
    assert lines == [
        "5 features: tested 4, dead 1; low set of the lowest instead of inactive cells: 0",
        # Feature 1 has no low and feature 2 one high cell; gene B never varies.
        "6 of 8 p could not be computed and were set to 1",
        "0 of 8 p could not be computed and are NaN",
        "5 features: tested 3, too few active cells 1, dead 1; "
        "low set of the lowest instead of inactive cells: 1",
        "0 of 6 p could not be computed and were set to 1",
        "3 of 6 p could not be computed and are NaN",
    ]


def test_no_feature_to_test_gives_an_empty_table():
    table = test_expression(
        sparse.csr_matrix((8, 3)), np.ones((8, 2)), ["A", "B"], config=SMALL, convention="corrected"
    )
    assert len(table) == 0
    assert "q" in table


@pytest.mark.parametrize(
    ("expression", "genes", "message"),
    [
        (np.ones((7, 2)), ["A", "B"], "expression is 7 x 2, but there are 8 cells"),
        (np.ones((8, 2)), ["A", "A"], "gene 'A' occurs more than once"),
        (-np.ones((8, 2)), ["A", "B"], "expression hold negative or missing"),
        (np.full((8, 2), np.nan), ["A", "B"], "expression hold negative or missing"),
    ],
)
def test_bad_input_says_what_is_wrong(expression, genes, message):
    activations = sparse.csr_matrix(ACTIVATIONS)
    with pytest.raises(InputError, match=message):
        test_expression(activations, expression, genes, config=SMALL, convention="corrected")


# --- prepared expression -------------------------------------------------------------------------


@pytest.mark.parametrize("convention", ["published", "corrected"])
def test_permuted_sets_equal_permuted_cells(cells, convention):
    activations, expression = cells
    config = DgeConfig(high_percentile=95)
    sets = split_cells(activations, config=config, convention=convention)
    order = np.random.default_rng(1).permutation(len(expression))
    moved, copied = (
        test_genes(some, prepare_expression(values), config=config, convention=convention)
        for some, values in ((sets.permuted(order), expression), (sets, expression[order]))
    )
    for name in ("log2_fold", "t", "df", "p", "q"):
        np.testing.assert_allclose(getattr(moved, name), getattr(copied, name), rtol=1e-10)
    stayed = test_genes(sets, prepare_expression(expression), config=config, convention=convention)
    assert np.nanmax(np.abs(moved.t - stayed.t)) > 1


@pytest.mark.parametrize("convention", ["published", "corrected"])
def test_the_order_of_the_cells_does_not_matter(cells, convention):
    activations, expression = cells
    order = np.random.default_rng(2).permutation(len(expression))
    table = tabulate(cells, convention)
    shuffled = tabulate((activations[order], expression[order]), convention)
    pd.testing.assert_frame_equal(shuffled, table, rtol=1e-9, atol=1e-12)


def test_parts_threads_and_chunks_change_nothing(cells):
    activations, expression = cells
    config = DgeConfig(high_percentile=95)
    sets = split_cells(activations, config=config, convention="corrected")
    whole = test_genes(sets, prepare_expression(expression), config=config, convention="corrected")
    parts = (
        (slice(start, start + 90), expression[start : start + 90]) for start in (0, 90, 180, 270)
    )
    prepared = prepare_parts(parts, expression.shape, dtype=np.float64, threads=2)
    for start in range(0, 40, 17):
        rows = slice(start, start + 17)
        part = test_genes(
            sets.rows(rows), prepared, config=config, convention="corrected", threads=2
        )
        for name in ("log2_fold", "t", "df", "p", "q"):
            np.testing.assert_array_equal(getattr(part, name), getattr(whole, name)[rows])


@pytest.mark.parametrize("convention", ["published", "corrected"])
def test_float32_keeps_t_and_selects_the_same_genes(convention):
    # Genes of means from 1e-3 to 1e6 and of small variance, as noise-free decoders give them.
    rng = np.random.default_rng(3)
    mean = 10 ** rng.uniform(-3, 6, size=60)
    activations = np.maximum(rng.normal(-1, 1, size=(500, 20)), 0)
    expression = mean * np.exp(0.01 * rng.normal(size=(500, 60)) + 0.02 * activations[:, :1])
    config = DgeConfig(high_percentile=90, composition="raw")
    sets = split_cells(sparse.csr_matrix(activations), config=config, convention=convention)
    exact, fast = (
        test_genes(
            sets,
            prepare_expression(expression, precision=precision),
            config=config,
            convention=convention,
        )
        for precision in ("float64", "float32")
    )
    assert np.all(np.abs(fast.t - exact.t) <= 1e-4 * np.maximum(1, np.abs(exact.t)))
    clear = np.abs(np.log10(exact.q) + 5) > 1e-3
    np.testing.assert_array_equal((fast.q < 1e-5)[clear], (exact.q < 1e-5)[clear])
    assert (exact.q < 1e-5).any()
    assert not np.array_equal(fast.t, exact.t)


def test_log10_p_goes_on_where_p_underflows():
    # High cells 1000 +- 1, low cells 0 +- 1: p is 0 in float64, its logarithm as mpmath has it.
    rng = np.random.default_rng(0)
    expression = np.r_[1000 + rng.normal(size=300), 1 + rng.random(3000)][:, None]
    activations = sparse.csr_matrix(np.r_[np.ones(300), np.zeros(3000)][:, None])
    sets = split_cells(activations, config=DgeConfig(high_percentile=80), convention="corrected")
    tests = test_genes(
        sets, prepare_expression(expression), config=DgeConfig(), convention="corrected"
    )
    assert tests.p == 0
    with mpmath.workdps(40):
        t, df = mpmath.mpf(float(tests.t[0, 0])), mpmath.mpf(float(tests.df[0, 0]))
        p = mpmath.betainc(df / 2, 0.5, 0, df / (df + t**2), regularized=True)
        expected = float(mpmath.log10(p))
    np.testing.assert_allclose(tests.log10_p, expected, rtol=1e-9)


def test_an_outlier_leaves_the_low_set_its_digits():
    # One high cell holds all but 1e-14 of the squares: the low set's variance must survive it.
    rng = np.random.default_rng(0)
    expression = np.r_[1e8, rng.random(399)][:, None]
    expression[1:40] += 5
    activations = sparse.csr_matrix(np.r_[np.ones(40), np.zeros(360)][:, None])
    config = DgeConfig(high_percentile=90)
    table = test_expression(activations, expression, ["A"], config=config, convention="corrected")
    expected = scipy.stats.ttest_ind(expression[:40, 0], expression[40:, 0], equal_var=False)
    sets = split_cells(activations, config=config, convention="corrected")
    assert sets.complement.all()
    np.testing.assert_allclose(table["p"], expected.pvalue, rtol=1e-9)
    np.testing.assert_allclose(
        table["log2_fold"],
        np.log2((expression[:40].mean() + 0.1) / (expression[40:].mean() + 0.1)),
        rtol=1e-12,
    )


# --- tables in chunks ----------------------------------------------------------------------------


@pytest.mark.parametrize("tested", [1, 14, 512])
def test_chunks_of_features_make_the_whole_table(cells, tmp_path, monkeypatch, tested):
    whole = tabulate(cells, "corrected")
    monkeypatch.setattr("featurelens.dge.tables.ROWS", 7 * 25)
    monkeypatch.setattr("featurelens.dge.tables.TESTED", tested)
    activations, expression = cells
    config = DgeConfig(high_percentile=95)
    lines = []
    tables = iter_tests(
        activations,
        expression,
        GENES,
        config=config,
        convention="corrected",
        means=Means(log=lines.append),
    )
    write_feature_tables(tables, tmp_path / "dge.parquet")
    chunks = list(iter_feature_tables(tmp_path / "dge.parquet"))
    assert [len(chunk) for chunk in chunks] == [175] * 5 + [125]
    pd.testing.assert_frame_equal(pd.concat(chunks, ignore_index=True), whole)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "dge.parquet"), whole)
    [few] = {tuple(t) for t in iter_feature_tables(tmp_path / "dge.parquet", ["gene", "q"])}
    assert few == ("gene", "q")
    assert lines[-1] == f"{whole['p'].isna().sum()} of 1000 p could not be computed and are NaN"


def test_float32_tables_keep_the_range_of_p(cells):
    exact = tabulate(cells, "corrected", DgeConfig(high_percentile=95, precision="float64"))
    fast = tabulate(cells, "corrected", DgeConfig(high_percentile=95, precision="float32"))
    kinds = {"log2_fold": "f4", "t": "f4", "df": "f4", "log10_p": "f4", "p": "f8", "q": "f8"}
    assert {name: fast[name].dtype for name in kinds} == {n: np.dtype(k) for n, k in kinds.items()}
    np.testing.assert_allclose(fast["log10_p"], exact["log10_p"], rtol=1e-5, atol=1e-7)
    assert DgeConfig().precision_of((56_714, 13_431)) == "float32"
    assert DgeConfig().precision_of((700, 765)) == "float64"
