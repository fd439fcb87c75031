"""Chosen features: rank sums against scipy and scanpy, and the table of three tests."""

import anndata
import numpy as np
import pandas as pd
import pytest
import scanpy
import scipy.stats
from scipy import sparse

from featurelens.dge.cell_sets import split_cells
from featurelens.dge.chosen import rank_sum_genes, test_chosen
from featurelens.dge.config import DgeConfig
from featurelens.dge.layout import prepare_expression
from featurelens.embeddings.bundle import Bundle
from featurelens.embeddings.decoders.kinds.linear_simplex import LinearSimplexDecoder
from featurelens.io import InputError
from featurelens.means import Means

CONFIG = DgeConfig(high_percentile=90, min_cells=10)


@pytest.fixture(scope="module")
def cells():
    """Activations (300, 6) and counts (300, 30); the last genes are 2 and 0 everywhere."""
    rng = np.random.default_rng(4)
    activations = np.maximum(rng.normal(-1, 1, size=(300, 6)), 0)
    mean = rng.gamma(0.5, 4, size=30) * np.exp(0.8 * activations[:, :1])
    counts = rng.poisson(mean).astype(float)
    counts[:, 20:25] += rng.random((300, 5))
    counts[:, 28], counts[:, 29] = 2, 0
    return sparse.csr_matrix(activations), counts


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("convention", ["published", "corrected"])
def test_rank_sums_equal_scipy(cells, convention, precision):
    activations, counts = cells
    sets = split_cells(activations, config=CONFIG, convention=convention)
    prepared = prepare_expression(counts, precision=precision)
    ranks = rank_sum_genes(sets, prepared, threads=2)
    for row, (high, low) in enumerate(zip(sets.high.toarray(), sets.low().toarray(), strict=True)):
        first, rest = counts[high > 0, :28], counts[low > 0, :28]
        expected = scipy.stats.mannwhitneyu(first, rest, method="asymptotic")
        np.testing.assert_allclose(ranks.u[row, :28], expected.statistic)
        np.testing.assert_allclose(ranks.p[row, :28], expected.pvalue, rtol=1e-9)
    assert np.isnan(ranks.p[:, 28:]).all()


def test_one_feature_equals_scanpy(cells):
    activations, counts = cells
    sets = split_cells(activations, config=CONFIG, convention="corrected", only=[2])
    assert list(sets.columns) == [2]
    ranks = rank_sum_genes(sets, prepare_expression(counts))
    group = np.full(300, "middle", dtype=object)
    group[sets.high.indices], group[sets.low().indices] = "high", "low"
    obs = pd.DataFrame({"group": pd.Categorical(group)}, index=[f"c{i}" for i in range(300)])
    varying = pd.DataFrame(index=[f"G{i}" for i in range(28)])
    adata = anndata.AnnData(counts[:, :28], obs=obs, var=varying)
    scanpy.tl.rank_genes_groups(
        adata, "group", groups=["high"], reference="low", method="wilcoxon", tie_correct=True
    )
    expected = scanpy.get.rank_genes_groups_df(adata, "high").set_index("names").loc[varying.index]
    # scanpy corrects for ties but not for continuity: its z is ours before a step of one half.
    n_high, n_low = sets.n_high[0], sets.n_low[0]
    excess = np.abs(ranks.u[0, :28] - n_high * n_low / 2)
    z = ranks.z[0, :28] * excess / (excess - 0.5)
    np.testing.assert_allclose(z, expected["scores"], rtol=1e-5)


def bundle_of(counts, decoder, embedding):
    names = [f"c{number}" for number in range(len(counts))]
    obs = pd.DataFrame({"cell_type": "a", "batch": "1"}, index=names)
    var = pd.DataFrame({"symbol": [f"G{i}" for i in range(counts.shape[1])]})
    var.index = var["symbol"].to_numpy()
    adata = anndata.AnnData(
        obs=obs, var=var, obsm={"X_emb": embedding}, layers={"counts": sparse.csr_matrix(counts)}
    )
    return Bundle(cells=adata, decoder=decoder, info={})


def test_three_tests_of_chosen_features(cells):
    activations, counts = cells
    counts = np.floor(counts)
    rng = np.random.default_rng(0)
    factors = rng.dirichlet(np.ones(30), size=4).T
    bundle = bundle_of(
        counts, LinearSimplexDecoder(factors), rng.dirichlet(np.ones(4), size=300).astype("f4")
    )
    config = DgeConfig(high_percentile=90, min_cells=10, expression="measured", library=100)
    lines = []
    table = test_chosen(bundle, activations, [3, 0], config=config, means=Means(log=lines.append))
    assert lines[0] == "published: 2 features compared, not testable: []"
    assert list(table["convention"].unique()) == ["published", "corrected"]
    assert set(table["feature"]) == {0, 3}
    assert set(table["dispersion_from"]) == {"moments"}
    rows = table[(table["feature"] == 0) & (table["convention"] == "corrected")].iloc[:28]
    for test in ("welch", "rank_sum", "negative_binomial"):
        p, log10_p = rows[f"p_{test}"], rows[f"log10_p_{test}"]
        np.testing.assert_allclose(log10_p, np.log10(p), rtol=1e-9, atol=1e-12)
    # The activation raises every gene's count, and at one library size half of them fall.
    signs = np.sign(rows[["t_welch", "z_negative_binomial"]].to_numpy())
    assert (signs[:, 0] == signs[:, 1]).all()
    with pytest.raises(InputError, match=r"dge\.chosen: there is no feature 6; there are 0 to 5"):
        test_chosen(bundle, activations, [6], config=config)
