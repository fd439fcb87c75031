"""Steering by pencil on a linear stand-in, and the published regression against statsmodels."""

from dataclasses import dataclass, replace

import anndata
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import sparse
from statsmodels.stats.multitest import multipletests

from featurelens.embeddings.bundle import Bundle, Fitted, make_bundle
from featurelens.embeddings.decoders.kinds.linear_simplex import LinearSimplexDecoder
from featurelens.embeddings.decoders.kinds.none import NoDecoder
from featurelens.embeddings.models.poisson_nmf.config import PoissonNMFModel
from featurelens.features.config import FeatureConfig
from featurelens.features.describe import describe_features
from featurelens.io import InputError
from featurelens.stats.negative_binomial import PAIR_COLUMNS
from featurelens.steering.config import SteeringConfig
from featurelens.steering.genes import EFFECT_COLUMNS
from featurelens.steering.study import Study, steer_cells

FACTORS = np.array([[0.5, 0.1, 0.2], [0.3, 0.1, 0.6], [0.2, 0.8, 0.2]], dtype=np.float32)
LABELS = np.repeat(["a", "b", "c"], 8)
CONFIG = SteeringConfig(origin="a", target="b", n_local=2, factor=1.5)


@dataclass
class Linear:
    """Features 0-2 are the coordinates, 3 moves nothing; the decoder may be off by a shift."""

    shift: float = 0.0

    @property
    def directions(self) -> np.ndarray:
        return np.vstack([np.eye(3), np.zeros((1, 3))]).astype(np.float32)

    def encode(self, X: np.ndarray) -> np.ndarray:
        return np.column_stack([X, np.abs(X[:, 0] - X[:, 1])]).astype(np.float32)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        return (codes @ self.directions + self.shift).astype(np.float32)


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    rng = np.random.default_rng(0)
    weights = {"a": [6, 2, 2], "b": [3, 6, 1], "c": [1, 1, 8]}
    scores = np.stack([rng.dirichlet(np.array(weights[label]) * 3) for label in LABELS])
    counts = rng.poisson(40 * rng.uniform(0.5, 2, (24, 1)) * (scores @ FACTORS.T)) + 1
    cells = anndata.AnnData(
        X=sparse.csr_matrix(np.log1p(counts).astype(np.float32)),
        obs=pd.DataFrame(
            {
                "cell_type": pd.Categorical(LABELS),
                "batch": "all",
                "library": counts.sum(axis=1).astype(float),
            },
            index=[f"cell{row}" for row in range(24)],
        ),
        var=pd.DataFrame({"symbol": ["CD19", "LYZ", "NKG7"]}, index=["E1", "E2", "E3"]),
        layers={"counts": sparse.csr_matrix(counts.astype(np.int32))},
    )
    decoder = LinearSimplexDecoder(factors=FACTORS)
    return make_bundle(cells, Fitted(scores, decoder, {}), PoissonNMFModel())


@pytest.fixture(scope="module")
def features(bundle) -> anndata.AnnData:
    codes = sparse.csr_matrix(Linear().encode(bundle.embedding))
    return describe_features(codes, bundle.cells, FeatureConfig())


@pytest.fixture(scope="module")
def steering(bundle, features) -> Study:
    return steer_cells(Linear(), bundle, features, CONFIG)


def test_selection_and_steered_values(steering, features):
    selected = steering.selected.set_index("feature")
    assert selected["role"].tolist() == ["global", "local", "local"]
    assert (selected["n_cells"] == 8).all()
    # Each is set to 1.5 times its mean over the cells of its type.
    for feature, row in selected.iterrows():
        values = features[row["cell_type"] == LABELS, feature].X.toarray()
        assert np.isclose(row["steered_value"], 1.5 * values.mean(dtype=float))
    assert selected["cell_type"].iloc[0] == "b"


def test_trajectories_move_one_coordinate_to_the_value(steering, bundle, features):
    trajectories = steering.trajectories
    assert trajectories.n_obs == 3 * 3 * 8
    for row in steering.selected.itertuples():
        part = trajectories[trajectories.obs["feature"] == row.feature]
        normal = part[part.obs["condition"] == "normal"]
        steered = part[part.obs["condition"] == "steered"]
        assert normal.obs["cell"].tolist() == bundle.cells.obs_names[:8].tolist()
        np.testing.assert_array_equal(normal.obsm["X_emb"], bundle.embedding[:8])
        expected = bundle.embedding[:8].copy()
        # Feature f of the stand-in is coordinate f.
        expected[:, int(row.feature)] = row.steered_value
        np.testing.assert_allclose(steered.obsm["X_emb"], expected, rtol=1e-6)
        np.testing.assert_allclose(normal.obsm["X_pca"], features.obsm["X_pca"][:8], atol=1e-6)
    assert set(trajectories.obs["cell_type"]) == {"a"}


def test_effects_table(steering, bundle):
    effects = steering.effects
    assert tuple(effects.columns) == EFFECT_COLUMNS
    assert len(effects) == 3 * 2 * 3
    assert effects["gene"].iloc[:3].tolist() == ["CD19", "LYZ", "NKG7"]
    row = steering.selected.iloc[0]
    part = effects[(effects["feature"] == row["feature"]) & (effects["convention"] == "corrected")]
    changed = bundle.embedding[:8].astype(float)
    before = changed @ FACTORS.T
    before *= 1e4 / before.sum(axis=1, keepdims=True)
    changed[:, int(row["feature"])] = row["steered_value"]
    after = changed @ FACTORS.T
    after *= 1e4 / after.sum(axis=1, keepdims=True)
    own = bundle.cells.obs["library"].to_numpy()[:8, None] / 1e4
    np.testing.assert_allclose(part["mean_control"], (own * before).mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(part["mean_steered"], (own * after).mean(axis=0), rtol=1e-5)
    fold = (np.log2(after + 0.1) - np.log2(before + 0.1)).mean(axis=0)
    np.testing.assert_allclose(part["log2_fold"], fold, rtol=1e-4)
    assert (part["low"] <= part["log2_fold"]).all()
    assert (part["log2_fold"] <= part["high"]).all()
    assert (part["n_controls"] == 200).all()
    assert (part["null"] == "random_directions").all()
    np.testing.assert_allclose(part["p"] * 201, np.round(part["p"] * 201))  # a rank among 201
    assert (part["p"] >= 1 / 201).all()
    np.testing.assert_allclose(part["q"], multipletests(part["p"], method="fdr_bh")[1], rtol=1e-9)


def test_published_regression_where_the_decoder_has_a_dispersion(bundle, features, steering):
    assert steering.effects[list(PAIR_COLUMNS)].isna().all(axis=None)
    size = np.array([0.5, 2.0, 8.0])

    class Overdispersed(LinearSimplexDecoder):
        dispersion = property(lambda self: size)

    sized = Bundle(cells=bundle.cells, decoder=Overdispersed(FACTORS), info=bundle.info)
    effects = steer_cells(Linear(), sized, features, CONFIG).effects
    assert effects.loc[effects["convention"] == "corrected", "glm_p"].isna().all()
    row = steering.selected.iloc[0]
    part = effects[(effects["feature"] == row["feature"]) & (effects["convention"] == "published")]
    changed = bundle.embedding[:8].copy()
    changed[:, int(row["feature"])] = row["steered_value"]
    own = bundle.cells.layers["counts"][:8].sum(axis=1)
    before, after = (
        sized.decode(z, rows=np.arange(8), library=np.asarray(own))
        for z in (bundle.embedding[:8], changed)
    )
    # The number of the cell is one covariate, and alpha is r: the author's test, as it ran.
    design = np.column_stack([np.ones(16), np.tile(np.arange(8), 2), np.repeat([0, 1], 8)])
    for gene in range(3):
        y = np.r_[before[:, gene], after[:, gene]].astype(float)
        family = sm.families.NegativeBinomial(alpha=size[gene])
        expected = sm.GLM(y, design, family=family).fit(tol=1e-12, maxiter=200)
        found = part.iloc[gene]
        np.testing.assert_allclose(
            found["glm_log2_fold"], expected.params[2] / np.log(2), rtol=1e-4
        )
        np.testing.assert_allclose(found["glm_p"], expected.pvalues[2], rtol=1e-4)


def test_conventions_agree_where_the_sae_is_perfect(steering):
    effects = steering.effects.set_index(["convention", "feature", "gene"])
    published, corrected = effects.loc["published"], effects.loc["corrected"]
    np.testing.assert_allclose(published["log2_fold"], corrected["log2_fold"], atol=1e-5)


def test_means_are_at_the_own_library(steering, bundle):
    own = bundle.cells.layers["counts"][:8].sum(axis=1).mean()
    totals = steering.effects.groupby(["convention", "feature"])[["mean_control", "mean_steered"]]
    assert len(totals) == 6
    np.testing.assert_allclose(totals.sum(), own, rtol=1e-5)


def test_sae_error_counts_as_an_effect_in_the_published_control_only(bundle, features):
    config = replace(CONFIG, n_local=9)

    def folds_of_the_feature_that_moves_nothing(sae: Linear, convention: str) -> np.ndarray:
        effects = steer_cells(sae, bundle, features, config).effects
        mine = (effects["feature"] == "3") & (effects["convention"] == convention)
        return effects.loc[mine, "log2_fold"].to_numpy()

    for shift, convention, silent in (
        (0, "published", True),
        (0, "corrected", True),
        (0.05, "corrected", True),
        (0.05, "published", False),
    ):
        folds = folds_of_the_feature_that_moves_nothing(Linear(shift=shift), convention)
        assert len(folds) == 3
        assert (np.abs(folds).max() < 1e-6) == silent, (shift, convention)
        assert silent or np.abs(folds).max() > 0.01


def test_share_clipped_is_reported(bundle, features):
    def clipped(keep_error):
        config = replace(CONFIG, keep_error=keep_error)
        selected = steer_cells(Linear(shift=-0.4), bundle, features, config).selected
        return selected[["share_clipped_control", "share_clipped_steered"]].to_numpy()

    assert (clipped(False) > 0).all()
    assert (clipped(True) == 0).all()  # the shift is an error of the SAE, which cancels


def test_without_a_decoder_cells_still_move(bundle, features):
    blind = Bundle(cells=bundle.cells, decoder=NoDecoder(), info=bundle.info)
    result = steer_cells(Linear(), blind, features, CONFIG)
    assert result.effects.empty
    assert tuple(result.effects.columns) == EFFECT_COLUMNS
    assert result.trajectories.n_obs == 72
    assert result.selected["share_clipped_steered"].isna().all()


def test_same_result_twice_and_through_files(steering, bundle, features, tmp_path):
    again = steer_cells(Linear(), bundle, features, CONFIG)
    pd.testing.assert_frame_equal(again.effects, steering.effects, check_exact=True)
    steering.trajectories.write_h5ad(tmp_path / "trajectories.h5ad")
    loaded = anndata.read_h5ad(tmp_path / "trajectories.h5ad")
    pd.testing.assert_frame_equal(loaded.obs, steering.trajectories.obs)


def test_features_named_in_the_config_are_edited_together(bundle, features):
    both = steer_cells(Linear(), bundle, features, replace(CONFIG, features=(1, 0), n_local=0))
    [row] = both.selected.to_dict("records")
    assert (row["feature"], row["rule"]) == ("1+0", "named in the config")
    means = 1.5 * bundle.embedding[LABELS == "b"].mean(axis=0, dtype=float)
    moved = both.trajectories[both.trajectories.obs["condition"] == "corrected"]
    expected = np.column_stack([np.tile(means[:2], (8, 1)), bundle.embedding[:8, 2]])
    np.testing.assert_allclose(moved.obsm["X_emb"], expected, rtol=1e-5)
    with pytest.raises(InputError, match="no feature 4: the SAE has 4 features, 0 to 3"):
        steer_cells(Linear(), bundle, features, replace(CONFIG, features=(4,)))


def test_a_feature_that_follows_a_trajectory_is_the_global_one(bundle, features):
    described = features.copy()
    described.varm["directions"] = Linear().directions
    config = replace(CONFIG, trajectory="ripening")
    given = {"ripening": {"stages": ["a", "c"], "contrast": []}}
    chosen = steer_cells(Linear(), bundle, described, config, trajectories=given).selected
    # Coordinate 2 is what rises from a to c, whatever the config's target.
    assert chosen["feature"].iloc[0] == "2"
    assert "passes all three filters" in chosen["rule"].iloc[0]
    assert not chosen["feature"].duplicated().any()
    with pytest.raises(InputError, match="no trajectory 'ripening'; there are none"):
        steer_cells(Linear(), bundle, described, config)


def test_multiples_of_zero_and_one(bundle, features):
    named = replace(CONFIG, features=(1,), n_local=0, factor=1.0)
    for operation, expected in (("ablate", 0.0), ("multiply", 1.0)):
        config = replace(named, operation=operation)
        moved = steer_cells(Linear(), bundle, features, config).trajectories
        after = moved[moved.obs["condition"] == "corrected"].obsm["X_emb"]
        np.testing.assert_allclose(after[:, 1], expected * bundle.embedding[:8, 1], atol=1e-6)
        np.testing.assert_allclose(after[:, 0], bundle.embedding[:8, 0], atol=1e-6)


def test_other_cells_and_types_are_refused(bundle, features):
    with pytest.raises(InputError, match="the features: cell_type has no 'B'"):
        steer_cells(Linear(), bundle, features, replace(CONFIG, target="B"))
    renamed = features.copy()
    renamed.obs_names = [f"x{row}" for row in range(24)]
    with pytest.raises(InputError, match=r"differ at row 0: cell 'x0' against 'cell0'"):
        steer_cells(Linear(), bundle, renamed, CONFIG)
    with pytest.raises(ValueError, match="origin and target are both 'a'"):
        SteeringConfig(origin="a", target="a")


def test_a_gene_that_takes_the_cell_makes_no_other_fall(bundle, features):
    # Turning one coordinate adds to gene 0 alone: of the 39 others all lose the same part, which
    # is closure and no effect. Against the typical gene they stay; raw, all of them fall.
    rng = np.random.default_rng(0)
    factors = rng.dirichlet(np.ones(40), size=3).T.astype(np.float32)
    factors[:, 1] = np.eye(40)[0]
    names = [f"G{number}" for number in range(40)]
    counts = sparse.csr_matrix(rng.poisson(3, (24, 40)).astype(np.int32) + 1)
    cells = anndata.AnnData(
        X=counts.astype(np.float32),
        obs=bundle.cells.obs,
        var=pd.DataFrame({"symbol": names}, index=names),
        layers={"counts": counts},
    )
    wide = make_bundle(
        cells,
        Fitted(bundle.embedding, LinearSimplexDecoder(factors=factors), {}),
        PoissonNMFModel(),
    )
    feature = steer_cells(Linear(), bundle, features, CONFIG).selected["feature"].iloc[0]
    assert feature == "1"

    def effects(composition, convention):
        config = replace(CONFIG, composition=composition)
        table = steer_cells(Linear(), wide, features, config).effects
        return table[(table["feature"] == feature) & (table["convention"] == convention)]

    met, raw = (effects(name, "corrected") for name in ("typical_gene", "raw"))
    assert (raw["log2_fold"].iloc[1:] < -0.1).all()
    np.testing.assert_allclose(met["log2_fold"].iloc[1:], 0, atol=0.02)  # pseudocounts alone
    assert met["log2_fold"].iloc[0] > raw["log2_fold"].iloc[0] > 0
    np.testing.assert_array_equal(met["mean_steered"], raw["mean_steered"])
    pd.testing.assert_frame_equal(effects("raw", "published"), effects("typical_gene", "published"))
