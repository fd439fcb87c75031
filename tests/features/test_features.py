"""Statistics of features against loops over scipy and statsmodels, and selection by pencil."""

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.stats
from scipy import sparse
from statsmodels.stats.multitest import multipletests

from featurelens.features import describe
from featurelens.features.config import FeatureConfig
from featurelens.features.describe import describe_features, principal_axes, project
from featurelens.features.selection import select_features
from featurelens.io import InputError

TYPES = np.repeat(["a", "b", "c", "d"], [20, 15, 10, 5])
DEAD, CONSTANT, LOCAL, REGIONAL = 0, 1, 2, 3


def cells_of(labels: np.ndarray, embedding: np.ndarray | None = None) -> anndata.AnnData:
    if embedding is None:
        embedding = np.random.default_rng(5).normal(size=(len(labels), 3)).astype(np.float32)
    obs = pd.DataFrame(
        {"cell_type": pd.Categorical(labels), "batch": "all", "library": 1.0},
        index=[f"cell{row}" for row in range(len(labels))],
    )
    return anndata.AnnData(obs=obs, obsm={"X_emb": embedding})


@pytest.fixture(scope="module")
def activations() -> np.ndarray:
    rng = np.random.default_rng(0)
    dense = rng.exponential(size=(len(TYPES), 12)) * (rng.random((len(TYPES), 12)) < 0.4)
    # A quarter-million-cell data set would hold many features with a weak lean to one type.
    dense[TYPES == "b", 5] += 1
    dense[:, DEAD] = 0
    dense[:, CONSTANT] = 0.1
    dense[:, LOCAL] = 0.05 * rng.random(len(TYPES)) + 3 * (TYPES == "c")
    dense[:, REGIONAL] = 0.05 * rng.random(len(TYPES)) + 3 * np.isin(TYPES, ["c", "d"])
    return dense.astype(np.float32)


@pytest.fixture(scope="module")
def features(activations) -> anndata.AnnData:
    return describe_features(sparse.csr_matrix(activations), cells_of(TYPES), FeatureConfig())


def test_simple_statistics(features, activations):
    var = features.var
    dense = activations.astype(float)
    assert var["n_active"].tolist() == (dense > 0).sum(axis=0).tolist()
    np.testing.assert_allclose(var["fraction_active"], (dense > 0).mean(axis=0))
    np.testing.assert_allclose(var["mean"], dense.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(var["max"], dense.max(axis=0))
    for column, name in enumerate(features.uns["cell_types"]):
        expected = dense[name == TYPES].mean(axis=0)
        np.testing.assert_allclose(features.varm["type_means"][:, column], expected, rtol=1e-12)


def published_by_loop(dense: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The author's rule, type by type on dense arrays: (n_features, n_types)."""
    columns = []
    for name in np.unique(labels):
        inside, outside = dense[labels == name].astype(float), dense[labels != name].astype(float)
        errors = [x.std(axis=0, ddof=1) / np.sqrt(len(x)) for x in (inside, outside)]
        columns.append(inside.mean(axis=0) - outside.mean(axis=0) > 1.96 * (errors[0] + errors[1]))
    return np.column_stack(columns)


def test_published_rule_is_the_authors(features, activations):
    expected = published_by_loop(activations, TYPES)
    expected[CONSTANT] = False
    assert np.array_equal(features.varm["significant_published"], expected)
    assert 3 < expected.sum() < 20


def test_published_rule_on_noise_and_what_correction_takes_away():
    # Many types and features without any signal: 1.96 summed errors let some through.
    rng = np.random.default_rng(2)
    noise = rng.exponential(size=(400, 1000)).astype(np.float32)
    labels = rng.choice(list("abcdefghij"), 400)
    described = describe_features(sparse.csr_matrix(noise), cells_of(labels), FeatureConfig())
    expected = published_by_loop(noise, labels)
    assert expected.sum() > 5
    assert np.array_equal(described.varm["significant_published"], expected)
    assert (described.var["type"] == "global").all()


def test_a_constant_feature_is_global():
    # A difference in the last bit would be significant, as no standard error stands against it;
    # sums of float32 activations are exact in float64.
    values = np.random.default_rng(0).uniform(size=500).astype(np.float32)
    constant = sparse.csr_matrix(np.tile(values, (10, 1)))
    labels = np.repeat(["a", "b"], [3, 7])
    var = describe_features(constant, cells_of(labels), FeatureConfig()).var
    assert (var["type_published"] == "global").all()
    assert (var["type"] == "global").all()


def test_q_of_types_is_welch_with_benjamini_hochberg(features, activations):
    live = [column for column in range(activations.shape[1]) if column not in (DEAD, CONSTANT)]
    p = np.array(
        [
            scipy.stats.ttest_ind(
                activations[name == TYPES, column].astype(float),
                activations[name != TYPES, column].astype(float),
                equal_var=False,
                alternative="greater",
            ).pvalue
            for name in features.uns["cell_types"]
            for column in live
        ]
    )
    q = multipletests(p, method="fdr_bh")[1].reshape(4, len(live)).T
    np.testing.assert_allclose(features.varm["type_q"][live], q, rtol=1e-6)
    assert np.isnan(features.varm["type_q"][[DEAD, CONSTANT]]).all()


def test_effect_is_the_gap_over_the_pooled_sd(features, activations):
    inside, outside = activations[TYPES == "c", LOCAL], activations[TYPES != "c", LOCAL]
    squares = sum(((x.astype(float) - x.mean(dtype=float)) ** 2).sum() for x in (inside, outside))
    pooled = np.sqrt(squares / (len(TYPES) - 2))
    expected = (inside.mean(dtype=float) - outside.mean(dtype=float)) / pooled
    assert np.isclose(features.var["effect"].iloc[LOCAL], expected)
    assert features.var["top_cell_type"].iloc[LOCAL] == "c"
    column = list(features.uns["cell_types"]).index("c")
    assert features.var["q"].iloc[LOCAL] == features.varm["type_q"][LOCAL, column]


def test_locality_of_planted_features(features):
    var = features.var
    for rule in ("type", "type_published"):
        assert var[rule].iloc[[DEAD, CONSTANT, LOCAL, REGIONAL]].tolist() == [
            *("dead", "global", "local", "regional")
        ]
    assert var["n_types"].iloc[[DEAD, CONSTANT, LOCAL, REGIONAL]].tolist() == [0, 0, 1, 2]
    assert var[["top_cell_type", "effect", "q"]].iloc[[DEAD, CONSTANT]].isna().all(axis=None)
    counts = [var[rule].value_counts().sum() for rule in ("type", "type_published")]
    assert counts == [12, 12]


def test_order_of_cells_does_not_matter(features, activations):
    order = np.random.default_rng(1).permutation(len(TYPES))
    shuffled = describe_features(
        sparse.csr_matrix(activations[order]),
        cells_of(TYPES[order], features.obsm["X_emb"][order]),
        FeatureConfig(),
    )
    pd.testing.assert_frame_equal(shuffled.var, features.var, rtol=1e-9)


def test_alpha_decides(activations):
    codes = sparse.csr_matrix(activations)
    n_types = [
        describe_features(codes, cells_of(TYPES), FeatureConfig(alpha=alpha)).var["n_types"]
        for alpha in (1e-9, 0.05)
    ]
    assert n_types[0].sum() == 0  # 199 shuffles say nothing of a billionth
    assert n_types[1].iloc[[LOCAL, REGIONAL]].tolist() == [1, 2]


def test_a_type_with_one_cell_is_never_significant():
    labels = np.array(["a"] * 9 + ["b"])
    dense = np.zeros((10, 1), dtype=np.float32)
    dense[:, 0] = [0, 0.1, 0, 0.2, 0, 0.1, 0, 0.1, 0, 5]
    described = describe_features(sparse.csr_matrix(dense), cells_of(labels), FeatureConfig())
    assert described.var[["type", "type_published"]].iloc[0].tolist() == ["global", "global"]
    assert np.isnan(described.varm["type_q"]).all()


def test_one_cell_type_alone_gives_no_statistic():
    dense = np.random.default_rng(0).random((6, 2)).astype(np.float32)
    described = describe_features(
        sparse.csr_matrix(dense), cells_of(np.array(["a"] * 6)), FeatureConfig()
    )
    assert described.var["type"].tolist() == ["global", "global"]
    assert described.var["effect"].isna().all()


def test_stored_zeros_are_not_active_and_the_input_is_left_alone():
    stored = sparse.csr_matrix((np.float32([0, 1, 0]), [0, 1, 1], [0, 2, 3]), shape=(2, 2))
    described = describe_features(stored, cells_of(np.array(["a", "b"])), FeatureConfig())
    assert described.var["n_active"].tolist() == [0, 1]
    assert described.var["type"].tolist() == ["dead", "global"]
    assert stored.nnz == 3


def test_features_and_cells_must_be_of_one_number():
    with pytest.raises(ValueError, match="3 rows of activations for 50 cells"):
        describe_features(sparse.csr_matrix((3, 2)), cells_of(TYPES), FeatureConfig())


def test_survives_a_file(features, tmp_path):
    features.write_h5ad(tmp_path / "features.h5ad")
    loaded = anndata.read_h5ad(tmp_path / "features.h5ad")
    pd.testing.assert_frame_equal(loaded.var, features.var)
    assert list(loaded.uns["cell_types"]) == ["a", "b", "c", "d"]
    np.testing.assert_allclose(
        project(loaded.obsm["X_emb"], loaded.uns["pca"]), features.obsm["X_pca"]
    )
    select_features(loaded, directions=np.ones((12, 3)), origin="a", target="b")


@pytest.mark.parametrize("as_a_whole", [2**24, 100])
def test_principal_axes_are_those_of_the_svd(monkeypatch, as_a_whole):
    monkeypatch.setattr(describe, "_DECOMPOSED", as_a_whole)
    embedding = np.random.default_rng(3).normal(size=(50, 4)) * [3, 1, 2, 0.5] + 7
    points = project(embedding, principal_axes(embedding))
    _, values, _ = np.linalg.svd(embedding - embedding.mean(axis=0))
    np.testing.assert_allclose(np.linalg.norm(points, axis=0), values[:2])
    assert abs(np.corrcoef(points.T)[0, 1]) < 1e-10
    # Distances in the plane are those of the projected cells, so no scaling happened.
    assert np.isclose(points.var(axis=0).sum() * 50, (values[:2] ** 2).sum())


def test_one_dimension_has_a_second_axis_of_zeros():
    points = project(np.array([[1.0], [3.0]]), principal_axes(np.array([[1.0], [3.0]])))
    np.testing.assert_allclose(np.abs(points), [[1, 0], [1, 0]], atol=1e-12)


# --- selection, by pencil ----------------------------------------------------------------------


def described(
    means: list[list[float]], types: list[str], published: list[str] | None = None
) -> anndata.AnnData:
    """Features with given means in the types o, t, u; centroids o (0, 0), t (2, 0), u (0, 9)."""
    means_ = np.array(means, dtype=float)
    top = means_.argmax(axis=1)
    significant = np.zeros(means_.shape, dtype=bool)
    significant[np.arange(len(top)), top] = [kind == "local" for kind in types]
    published = types if published is None else published
    published_significant = np.zeros(means_.shape, dtype=bool)
    published_significant[np.arange(len(top)), top] = [kind == "local" for kind in published]
    names = ["o", "t", "u"]
    alive = [
        name if kind != "dead" else None
        for name, kind in zip(np.array(names)[top], types, strict=True)
    ]
    var = pd.DataFrame(
        {
            "type": types,
            "type_published": published,
            "top_cell_type": pd.Categorical(alive, categories=names),
        },
        index=[str(row) for row in range(len(types))],
    )
    return anndata.AnnData(
        X=sparse.csr_matrix((3, len(types)), dtype=np.float32),
        obs=pd.DataFrame({"cell_type": pd.Categorical(names)}, index=["c1", "c2", "c3"]),
        var=var,
        obsm={"X_emb": np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 9.0]])},
        varm={
            "type_means": means_,
            "type_z": means_,
            "significant": significant,
            "significant_published": published_significant,
        },
        uns={"cell_types": np.array(names, dtype=object)},
    )


def test_global_feature_carries_most_of_the_step():
    # The step is (2, 0), its square 4. Shares (m_t - m_o) (direction . step) / 4:
    # 0: (3-1) * 2*1 / 4 = 1; 1: (2-1) * 2*3 / 4 = 1.5; 2: (9-1) * 2*(-1) / 4 = -4;
    # 3: 5 * 2*5 / 4 = 12.5 but local; 4: 5 * 2*5 / 4 = 12.5 but silent in the origin;
    # 5: (1-9) * 2*(-5) / 4 = 20 but it falls towards the target.
    features = described(
        [[1, 3, 0], [1, 2, 0], [1, 9, 0], [1, 6, 0], [0, 5, 0], [9, 1, 0]],
        ["global", "regional", "global", "local", "global", "global"],
    )
    directions = np.array([[1, 5], [3, 0], [-1, 0], [5, 0], [5, 0], [-5, 0]], dtype=np.float32)
    chosen = select_features(features, directions=directions, origin="o", target="t", n_local=0)
    assert chosen.to_dict("records") == [
        {
            "feature": "1",
            "role": "global",
            "cell_type": "t",
            "rank": 1,
            "score": 1.5,
            "rule": "global or regional, active in both types and more so in the target, "
            "largest share of the step",
        }
    ]


def test_local_features_come_from_distinct_types_first():
    features = described(
        [[1, 2, 1], [0, 0, 8], [0, 0, 7], [0, 3, 0], [4, 0, 0]],
        ["global", "local", "local", "local", "local"],
    )
    chosen = select_features(
        features, directions=np.ones((5, 2)), origin="o", target="t", n_local=4
    )
    local = chosen[chosen["role"] == "local"]
    # Highest means: 1 (u, 8), 2 (u, 7; u is shown already), 4 (o, 4), 3 (t, 3); then 2 after all.
    assert local["feature"].tolist() == ["1", "4", "3", "2"]
    assert local["cell_type"].tolist() == ["u", "o", "t", "u"]
    assert local["rank"].tolist() == [1, 2, 3, 4]
    assert local["score"].tolist() == [8, 4, 3, 7]
    assert local["rule"].str.contains("of its own").tolist() == [True, True, True, False]


def test_a_local_feature_without_a_main_type_comes_after_those_that_have_one():
    features = described([[1, 2, 1], [0, 0, 8], [0, 7, 0]], ["global", "local", "local"])
    features.var.loc["1", "top_cell_type"] = None
    chosen = select_features(
        features, directions=np.ones((3, 2)), origin="o", target="t", n_local=2
    )
    local = chosen[chosen["role"] == "local"]
    assert local["feature"].tolist() == ["2", "1"]
    assert local["rule"].iloc[1] == "local, though no type holds most of it"


def test_the_most_significant_local_feature_comes_before_the_most_active():
    features = described([[1, 2, 1], [0, 0, 8], [0, 0, 7]], ["global", "local", "local"])
    features.varm["type_z"] = np.array([[1, 2, 1], [0, 0, 3], [0, 0, 5.0]])
    chosen = select_features(
        features, directions=np.ones((3, 2)), origin="o", target="t", n_local=1
    )
    assert chosen.iloc[1][["feature", "score"]].tolist() == ["2", 5]


def test_fallbacks_are_named():
    features = described(
        [[1, 2, 0], [2, 1, 5], [0, 6, 0], [3, 0, 0], [0, 0, 0]],
        ["local", "regional", "global", "global", "dead"],
        ["local", "local", "global", "global", "dead"],
    )
    # Of the features active in o and t, 0 is local and 1 leads away: the largest share of all.
    chosen = select_features(
        features, directions=np.ones((5, 2)), origin="o", target="t", n_local=9
    )
    assert chosen["feature"].tolist() == ["2", "0", "1", "3"]
    assert chosen["rule"].tolist() == [
        "live, as no wider one leads to the target, largest share of the step",
        "local and mainly of its type, most significant, a type of its own",
        "local by the published rule only",
        "live, no local one left",
    ]


def test_selection_refuses_unknown_types_and_dead_saes():
    features = described([[1, 2, 0]], ["global"])
    with pytest.raises(InputError, match=r"cell_type has no 'T'; there is: o, t, u"):
        select_features(features, directions=np.ones((1, 2)), origin="o", target="T")
    dead = described([[0, 0, 0]], ["dead"])
    with pytest.raises(InputError, match="no feature is active in any cell"):
        select_features(dead, directions=np.ones((1, 2)), origin="o", target="t")
