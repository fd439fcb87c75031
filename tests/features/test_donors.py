"""Columns of obs stay with the features, and donors, not cells, are compared by them."""

import anndata
import numpy as np
import pandas as pd
import scanpy as sc
from scipy import sparse, stats

from featurelens.features.config import FeatureConfig
from featurelens.features.describe import describe_features

N_DONORS, N_EACH, N_FEATURES = 8, 150, 100


def described(seed=0, effect=0.0):
    """Features that differ between donors; ``effect`` is added for the treated in the first ten."""
    rng = np.random.default_rng(seed)
    donors = np.repeat(np.arange(N_DONORS), N_EACH)
    level = 3 + rng.normal(0, 0.5, (N_DONORS, N_FEATURES))
    level[:4, :10] += effect
    activations = np.maximum(level[donors] + rng.normal(0, 1, (len(donors), N_FEATURES)), 0)
    obs = pd.DataFrame(
        {
            "cell_type": pd.Categorical(np.where(np.arange(len(donors)) % 2, "a", "b")),
            "donor": pd.Categorical.from_codes(donors, [f"donor {n}" for n in range(N_DONORS)]),
            "condition": pd.Categorical(np.where(donors < 4, "treated", "control")),
            "age": 20.0 + donors,
        },
        index=[f"cell{number}" for number in range(len(donors))],
    )
    cells = anndata.AnnData(obs=obs, obsm={"X_emb": rng.normal(size=(len(obs), 2))})
    codes = sparse.csr_matrix(activations.astype(np.float32))
    return describe_features(codes, cells, FeatureConfig()), obs


def differ_by_donor(features):
    """As docs/own-data.md has it."""
    means = sc.get.aggregate(features, by="donor", func="mean").to_df(layer="mean")
    treated = means.index.isin([f"donor {number}" for number in range(4)])
    test = stats.ttest_ind(means[treated], means[~treated], equal_var=False)
    return means.columns[stats.false_discovery_control(test.pvalue) < 0.05]


def test_every_column_of_obs_is_kept_and_written(tmp_path):
    features, obs = described()
    pd.testing.assert_frame_equal(features.obs, obs)
    features.write_h5ad(tmp_path / "features.h5ad")
    read = anndata.read_h5ad(tmp_path / "features.h5ad").obs
    pd.testing.assert_frame_equal(read, obs)


def test_means_of_donors_are_those_of_their_cells():
    features, obs = described()
    means = sc.get.aggregate(features, by="donor", func="mean").to_df(layer="mean")
    own = features.X.toarray()[(obs["donor"] == "donor 3").to_numpy()]
    np.testing.assert_allclose(means.loc["donor 3"], own.mean(axis=0), rtol=1e-5)


def test_donors_that_do_not_differ_seem_to_when_cells_are_counted():
    """No condition has an effect: a test over cells declares most features, over donors none."""
    features, _ = described()
    sc.tl.rank_genes_groups(features, "condition", method="t-test")
    over_cells = sc.get.rank_genes_groups_df(features, "treated")
    assert (over_cells["pvals_adj"] < 0.05).mean() > 0.5
    assert len(differ_by_donor(features)) == 0


def test_an_effect_larger_than_what_donors_differ_by_is_found():
    features, _ = described(effect=5)
    assert set(differ_by_donor(features)) == {str(number) for number in range(10)}
