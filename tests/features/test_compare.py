"""Groups of cells compared by donors: against scipy, and calibrated where nothing differs."""

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from scipy import sparse, stats
from statsmodels.stats.multitest import multipletests

import featurelens
from featurelens.features.compare import compare, permuted_rates
from featurelens.io import InputError

N_DONORS, N_EACH, N_FEATURES = 10, 60, 50


def cells(seed=0, effect=0.0, spread=0.5):
    """Features that differ between donors, of which the first half are treated.

    ``effect`` is added for the treated in the first ten features; feature 49 is never active.
    """
    rng = np.random.default_rng(seed)
    donors = np.repeat(np.arange(N_DONORS), N_EACH)
    level = 2 + rng.normal(0, spread, (N_DONORS, N_FEATURES))
    level[: N_DONORS // 2, :10] += effect
    dense = np.maximum(level[donors] + rng.normal(0, 1, (len(donors), N_FEATURES)), 0)
    dense[:, 49] = 0
    obs = pd.DataFrame(
        {
            "donor": [f"d{number}" for number in donors],
            "condition": np.where(donors < N_DONORS // 2, "treated", "control"),
            "cell_type": np.where(np.arange(len(donors)) % 3 > 0, "B", "T"),
        },
        index=[f"cell{number}" for number in range(len(donors))],
    )
    return AnnData(sparse.csr_matrix(dense.astype(np.float32)), obs=obs)


def means(adata, rows):
    """Means of the donors among some cells, by donor."""
    dense = pd.DataFrame(adata.X.toarray()[rows]).groupby(adata.obs["donor"].to_numpy()[rows])
    return dense.mean().to_numpy()


@pytest.mark.parametrize("test", ["t", "rank"])
def test_donors_of_two_groups_are_compared_as_scipy_does(test):
    adata = cells(effect=1)
    table = compare(adata, "condition", first="control", second="treated", test=test)
    control, treated = (
        means(adata, (adata.obs["condition"] == name).to_numpy()) for name in ("control", "treated")
    )
    expected = (
        stats.ttest_ind(treated, control, equal_var=False)
        if test == "t"
        else stats.mannwhitneyu(treated[:, :49], control[:, :49])
    )
    assert table["feature"].tolist() == [str(number) for number in range(49)]
    np.testing.assert_allclose(table["p"], expected.pvalue[:49], rtol=1e-4)
    np.testing.assert_allclose(table["q"], multipletests(table["p"], method="fdr_bh")[1])
    np.testing.assert_allclose(
        table["difference"], (treated - control).mean(axis=0)[:49], rtol=1e-3
    )
    pooled = np.sqrt((treated.var(axis=0, ddof=1) + control.var(axis=0, ddof=1)) / 2)[:49]
    np.testing.assert_allclose(table["effect"], table["difference"] / pooled, rtol=1e-4)
    assert table[["n_samples_first", "n_samples_second"]].iloc[0].tolist() == [5, 5]
    assert table[["n_cells_first", "n_cells_second"]].iloc[0].tolist() == [300, 300]
    assert set(table["unit"]) == {"donor"}
    assert not table["is_paired"].any()


@pytest.mark.parametrize("test", ["t", "rank"])
def test_donors_with_cells_in_both_groups_are_compared_with_themselves(test):
    adata = cells()
    table = compare(adata, "cell_type", first="T", second="B", test=test)
    t, b = (means(adata, (adata.obs["cell_type"] == name).to_numpy()) for name in ("T", "B"))
    expected = stats.ttest_rel(b, t) if test == "t" else stats.wilcoxon(b[:, :49], t[:, :49])
    np.testing.assert_allclose(table["p"], expected.pvalue[:49], rtol=1e-3)
    assert table["is_paired"].all()
    apart = b - t
    expected = apart[:, :49].mean(axis=0) / apart[:, :49].std(axis=0, ddof=1)
    np.testing.assert_allclose(table["effect"], expected, rtol=1e-3)


def test_published_takes_cells_for_replicates():
    adata = cells()
    table = compare(adata, "condition", convention="published")
    dense, treated = adata.X.toarray().astype(float), adata.obs["condition"] == "treated"
    expected = stats.ttest_ind(dense[treated], dense[~treated], equal_var=False)
    np.testing.assert_allclose(table["p"], expected.pvalue[:49], rtol=1e-6)
    assert set(table["unit"]) == {"cell"}
    ranks = compare(adata, "condition", convention="published", test="rank")
    expected = stats.mannwhitneyu(dense[treated], dense[~treated])
    np.testing.assert_allclose(ranks["p"], expected.pvalue[:49], rtol=1e-6)


def test_donors_that_change_groups_at_random_are_significant_as_often_as_they_should(capsys):
    """Five donors against five, 100 ways, 49 features: .05 over donors, far more over cells."""
    rates = permuted_rates(cells(), "condition", n_permutations=100)
    with capsys.disabled():
        print(  # noqa: T201
            f"\np below .05: donors {rates['donors']:.3f}, cells {rates['cells']:.3f}"
        )
    assert rates["donors"] == pytest.approx(0.05, abs=0.02)
    assert rates["cells"] > 0.3


def test_pairs_that_change_sides_at_random_are_significant_as_often_as_they_should():
    rates = permuted_rates(cells(), "cell_type", n_permutations=100)
    assert rates["donors"] == pytest.approx(0.05, abs=0.02)


def test_effects_larger_than_what_donors_differ_by_are_found():
    table = compare(cells(effect=3), "condition").set_index("feature")
    assert set(table.index[table["q"] < 0.05]) == {str(number) for number in range(10)}
    assert (table.loc[[str(number) for number in range(10)], "difference"] > 2).all()


def test_without_donors_there_are_effects_alone():
    adata = cells(effect=3)
    del adata.obs["donor"]
    table = compare(adata, "condition")
    assert table[["p", "q", "statistic"]].isna().all(axis=None)
    assert table["why_no_p"].iloc[0].startswith("no column of obs says whose cells these are")
    assert table["effect"].iloc[:10].min() > 1.5
    adata.obs["donor"] = np.where(adata.obs["condition"] == "treated", "one", "two")
    one = compare(adata, "condition")
    assert one["p"].isna().all()
    assert one["why_no_p"].iloc[0] == (
        "too few donors with 10 cells a group (1 and 1; 2 a side are needed), and cells are no "
        "replicates"
    )
    assert permuted_rates(adata, "condition", n_permutations=2)["donors"] != 0


def test_donors_of_few_cells_and_cells_of_other_groups_are_left_out():
    adata = cells()
    condition = adata.obs["condition"].to_numpy().astype(object)
    condition[:55] = None  # of the first donor five cells are left
    condition[-60:] = "other"
    table = compare(adata, condition, first="control", second="treated", sample="donor")
    assert table[["n_samples_first", "n_samples_second"]].iloc[0].tolist() == [4, 4]
    assert table[["n_cells_first", "n_cells_second"]].iloc[0].tolist() == [240, 240]


def test_mistakes_are_said():
    adata = cells()
    with pytest.raises(InputError, match="'conditon'"):
        compare(adata, "conditon")
    with pytest.raises(InputError, match="'ill'"):
        compare(adata, "condition", first="control", second="ill")
    with pytest.raises(InputError, match="say which two"):
        compare(adata, "donor")
    with pytest.raises(InputError, match="'patient'"):
        compare(adata, "condition", sample="patient")
    with pytest.raises(InputError, match="3 labels for 600 cells"):
        compare(adata, ["a", "b", "a"])
    with pytest.raises(InputError, match="both 'treated'"):
        compare(adata, "condition", first="treated", second="treated")


def test_it_is_a_call_of_the_package():
    assert featurelens.compare is compare
