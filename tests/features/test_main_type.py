"""Which cell type a feature is named for, on sums made by hand."""

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from featurelens.features.config import FeatureConfig
from featurelens.features.describe import describe_features
from featurelens.features.main_type import describe_type

TYPES = np.repeat(["a", "b", "rare"], [24, 12, 3])


def described(*features, types=TYPES, **options):
    """Statistics of features given as activations of the cells of all types."""
    cells = anndata.AnnData(
        obs=pd.DataFrame(
            {"cell_type": pd.Categorical(types), "batch": "all", "library": 1.0},
            index=[f"cell{row}" for row in range(len(types))],
        ),
        obsm={"X_emb": np.random.default_rng(0).normal(size=(len(types), 2))},
    )
    codes = sparse.csr_matrix(np.column_stack(features).astype(np.float32))
    return describe_features(codes, cells, FeatureConfig(**options)).var


def test_a_type_that_holds_most_of_the_activation_is_named():
    """Ten of twelve cells of b with 2 and five of a with 1: 20 of 25 are 80 %."""
    row = described(np.r_[[1] * 5, [0] * 19, [2] * 10, [0] * 5]).iloc[0]
    assert row["top_cell_type"] == "b"
    assert row["share_in_type"] == pytest.approx(0.8)
    assert row["n_in_type"] == 10
    assert row["q"] < 0.05
    assert row["why_no_type"] == ""
    assert describe_type(row) == "b (80 %)"


def test_cells_of_unknown_type_count_in_the_whole_and_are_no_type():
    """Ten of twelve cells of b with 2, sixteen unknown ones with 1: 20 of 36 are 56 %."""
    types = np.repeat(["a", "b", "unknown"], [24, 12, 20])
    of_b = np.r_[[0] * 24, [2] * 10, [0] * 2, [1] * 16, [0] * 4]
    of_none = np.r_[[0] * 36, [3] * 20]
    rows = described(of_b, of_none, of_b - np.r_[[0] * 36, [1] * 16, [0] * 4], types=types)
    assert rows["top_cell_type"].astype(object).fillna("").tolist() == ["b", "", "b"]
    assert rows["share_in_type"].tolist() == pytest.approx([20 / 36, 0, 1])
    assert "only 0 % of its activation" in rows["why_no_type"].iloc[1]
    assert rows["type"].tolist()[1] == "global"
    assert rows["n_types"].tolist() == [1, 0, 1]
    alone = described(of_b[:36], types=types[:36])
    for column in ("q_locality", "runner_up", "tau", "q", "effect", "type"):
        assert rows[column].iloc[2] == alone[column].iloc[0]


def test_a_type_of_few_cells_has_the_highest_mean_and_no_name():
    """Mean 8 in rare, 1 in b: 24 of 36, in three cells. Without rare, b would hold all."""
    row = described(np.r_[[0] * 24, [1] * 12, [8] * 3]).iloc[0]
    assert pd.isna(row["top_cell_type"])
    assert row["share_in_type"] == pytest.approx(24 / 36)
    assert row["why_no_type"] == "rare holds 67 %, but only 3 of its cells activate it"
    assert describe_type(row) == "no main type"
    row = described(np.r_[[0] * 24, [1] * 12, [8, 8, 8]], min_type_cells=3).iloc[0]
    assert row["top_cell_type"] == "rare"


def test_the_highest_mean_does_not_name_a_feature_whose_activation_lies_elsewhere():
    """Mean 2 in rare, 1 elsewhere: 6 of 42 lie in rare, 24 in a, 12 in b."""
    values = np.r_[[1] * 36, [2] * 3]
    row = described(values, types=np.repeat(["a", "b", "rare"], [18, 18, 3])).iloc[0]
    assert pd.isna(row["top_cell_type"])
    assert row["share_in_type"] == pytest.approx(18 / 42)
    assert row["why_no_type"] == "a comes first, with only 43 % of its activation"


def test_a_type_of_most_cells_is_no_name_for_what_is_everywhere():
    """24 of 39 cells are of a, so that a holds 62 % of what every cell has; no test confirms it."""
    rng = np.random.default_rng(1)
    row = described(1 + rng.random(39) / 100).iloc[0]
    assert pd.isna(row["top_cell_type"])
    assert row["q"] > 0.05
    assert row["why_no_type"] == f"a holds 62 %, which is not significant (q {row['q']:.2g})"


def test_a_single_cell_is_no_type_and_no_test():
    """A doublet alone: its q is NaN, and it names nothing however few cells are asked for."""
    types = np.repeat(["a", "b", "doublet"], [20, 20, 1])
    var = described(np.r_[[0] * 40, [5]], types=types, min_type_cells=1)
    assert np.isnan(var["q"].iloc[0])
    assert pd.isna(var["top_cell_type"].iloc[0])
    assert var["why_no_type"].iloc[0] == "doublet holds 100 %, which no test can confirm"
    [why] = described(np.r_[[0] * 40, [5]], types=types)["why_no_type"]
    assert why == "doublet holds 100 %, but only 1 of its cells activates it"


def test_a_dead_feature_has_no_type_and_says_so():
    row = described(np.zeros(39)).iloc[0]
    assert pd.isna(row["top_cell_type"])
    assert row[["share_in_type", "effect", "q"]].isna().all()
    assert row["n_in_type"] == 0
    assert row["why_no_type"] == "no cell activates it"


def test_the_share_that_is_asked_for_decides():
    values = np.r_[[1] * 5, [0] * 19, [2] * 10, [0] * 5]  # 80 % in b
    named = [described(values, min_share=share)["top_cell_type"].iloc[0] for share in (0.79, 0.81)]
    assert named[0] == "b"
    assert pd.isna(named[1])


def test_matrices_by_type_name_the_unknown_ones_too():
    types = np.repeat(["a", "unknown", "z"], [24, 12, 20])
    values = np.r_[[0] * 24, [3] * 12, [1] * 20]
    cells = anndata.AnnData(
        obs=pd.DataFrame({"cell_type": pd.Categorical(types)}, index=map(str, range(56))),
        obsm={"X_emb": np.random.default_rng(0).normal(size=(56, 2))},
    )
    codes = sparse.csr_matrix(values[:, None].astype(np.float32))
    features = describe_features(codes, cells, FeatureConfig())
    assert features.uns["cell_types"].tolist() == ["a", "unknown", "z"]
    assert features.varm["type_means"].tolist() == [[0, 3, 1]]
    assert features.varm["significant"].tolist() == [[False, False, True]]
    assert np.isnan(features.varm["type_q"][0, 1])
