"""The same edit in cells of further types, held to studies of each type by itself."""

from dataclasses import dataclass, replace

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from featurelens.embeddings.bundle import Fitted, make_bundle
from featurelens.embeddings.decoders.kinds.linear_simplex import LinearSimplexDecoder
from featurelens.embeddings.decoders.kinds.none import NoDecoder
from featurelens.embeddings.models.poisson_nmf.config import PoissonNMFModel
from featurelens.features.config import FeatureConfig
from featurelens.features.describe import describe_features
from featurelens.features.selection import select_features
from featurelens.io import InputError
from featurelens.steering.config import SteeringConfig
from featurelens.steering.further import steer_further
from featurelens.steering.genes import EFFECT_COLUMNS
from featurelens.steering.study import steer_cells

LABELS = np.repeat(["a", "b", "c"], 8)
CONFIG = SteeringConfig(origin="a", target="b", further_origins=("c",), n_local=1, doses=())


@dataclass
class Axes:
    """Features are the coordinates of the embedding."""

    @property
    def directions(self):
        return np.eye(3, dtype=np.float32)

    def encode(self, X):
        return np.asarray(X, dtype=np.float32)

    def decode(self, codes):
        return np.asarray(codes, dtype=np.float32)


def bundle_of(decoder):
    rng = np.random.default_rng(0)
    weights = {"a": [6, 2, 2], "b": [3, 6, 1], "c": [1, 1, 8]}
    scores = np.stack([rng.dirichlet(np.array(weights[label]) * 3) for label in LABELS])
    counts = rng.poisson(30, (24, 3)) + 1
    cells = anndata.AnnData(
        X=sparse.csr_matrix(np.log1p(counts).astype(np.float32)),
        obs=pd.DataFrame(
            {"cell_type": pd.Categorical(LABELS), "batch": "all", "library": 100.0},
            index=[f"cell{row}" for row in range(24)],
        ),
        var=pd.DataFrame({"symbol": ["CD19", "LYZ", "NKG7"]}, index=["E1", "E2", "E3"]),
        layers={"counts": sparse.csr_matrix(counts.astype(np.int32))},
    )
    return make_bundle(cells, Fitted(scores, decoder, {}), PoissonNMFModel())


@pytest.fixture(scope="module")
def bundle():
    factors = np.array([[0.5, 0.1, 0.2], [0.3, 0.1, 0.6], [0.2, 0.8, 0.2]], dtype=np.float32)
    return bundle_of(LinearSimplexDecoder(factors=factors))


@pytest.fixture(scope="module")
def features(bundle):
    codes = sparse.csr_matrix(Axes().encode(bundle.embedding))
    return describe_features(codes, bundle.cells, FeatureConfig(), directions=Axes().directions)


def test_a_further_type_is_steered_as_a_study_of_its_own_would(bundle, features):
    study = steer_cells(Axes(), bundle, features, CONFIG)
    further = steer_further(Axes(), bundle, features, CONFIG, study.selected)
    feature = study.selected["feature"].iloc[0]
    own = replace(CONFIG, origin="c", further_origins=(), features=(int(feature),))
    alone = steer_cells(Axes(), bundle, features, own)
    columns = [name for name in EFFECT_COLUMNS if not name.startswith("true_")]
    expected = alone.effects[alone.effects["feature"] == feature].reset_index(drop=True)
    pd.testing.assert_frame_equal(further.effects[columns], expected[columns])
    assert set(further.effects["origin"]) == {"c"}
    assert further.effects["true_log2_fold"].isna().all()
    moved = further.trajectories[further.trajectories.obs["condition"] == "steered"]
    rows = alone.trajectories.obs[["feature", "condition"]].astype(str)
    same = alone.trajectories[(rows["feature"] == feature) & (rows["condition"] == "steered")]
    np.testing.assert_array_equal(moved.obsm["X_emb"], same.obsm["X_emb"])
    assert set(further.trajectories.obs["cell_type"]) == {"c"}
    # It is set to the mean of the target, as in the origin: not to that of c.
    value = features[LABELS == "b", feature].X.toarray().mean(dtype=float)
    assert further.effects["steered_value"].iloc[0] == pytest.approx(value)
    assert further.control_effects.n_obs == CONFIG.n_controls
    assert list(further.control_effects.var["symbol"]) == ["CD19", "LYZ", "NKG7"]


def test_without_a_decoder_there_are_places_and_no_genes(features):
    bundle = bundle_of(NoDecoder())
    selected = steer_cells(Axes(), bundle, features, CONFIG).selected
    further = steer_further(Axes(), bundle, features, CONFIG, selected)
    assert further.effects.empty
    assert list(further.effects.columns) == ["origin", *EFFECT_COLUMNS]
    assert further.trajectories.n_obs == 3 * 8


def test_a_type_that_is_not_there_is_named(bundle, features):
    selected = steer_cells(Axes(), bundle, features, CONFIG).selected
    with pytest.raises(InputError, match="'d'"):
        steer_further(Axes(), bundle, features, replace(CONFIG, further_origins=("d",)), selected)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"further_origins": ("b",)}, "further_origins names the target"),
        ({"further_origins": ("a",)}, "a type twice"),
        ({"further_origins": ("c", "c")}, "a type twice"),
        ({"pictured": "x"}, "pictured is 'x', which is not steered"),
    ],
)
def test_types_that_contradict_are_refused(keys, words):
    with pytest.raises(ValueError, match=words):
        SteeringConfig(origin="a", target="b", **keys)


def test_types_are_listed_by_their_keys():
    config = replace(CONFIG, local_types=("c", "b"))
    assert config.named_types == {
        "origin": "a", "target": "b", "further_origins[0]": "c",
        "local_types[0]": "c", "local_types[1]": "b",
    }  # fmt: skip


def local_cells():
    """Two local features a type: 0 and 1 of x (1 is stronger), 2 of y by the published rule."""
    var = pd.DataFrame(
        {
            "type": ["local", "local", "global", "global", "local"],
            "type_published": ["local", "local", "local", "global", "local"],
            "top_cell_type": pd.Categorical(["x", "x", "y", "z", "z"]),
        },
        index=list("01234"),
    )
    significant = np.zeros((5, 3), dtype=bool)
    significant[[0, 1, 4], [0, 0, 2]] = True
    published = significant.copy()
    published[2, 1] = True
    means = np.array([[1, 0, 0], [2, 0, 0], [0, 3, 0], [1, 1, 2], [0, 0, 9]], dtype=float)
    labels = np.repeat(["x", "y", "z"], 2)
    return anndata.AnnData(
        sparse.csr_matrix(np.ones((6, 5), dtype=np.float32)),
        obs=pd.DataFrame({"cell_type": pd.Categorical(labels)}, index=list("abcdef")),
        var=var,
        obsm={"X_emb": np.eye(6, 2, dtype=np.float32)},
        varm={
            "type_means": means,
            "type_z": means,
            "significant": significant,
            "significant_published": published,
        },
        uns={"cell_types": np.array(["x", "y", "z"])},
    )


def test_local_features_of_types_that_are_asked_for_come_first():
    chosen = select_features(
        local_cells(), directions=-np.ones((5, 2)), origin="x", target="z", n_local=2,
        local_types=("y", "x"),
    )  # fmt: skip
    local = chosen[chosen["role"] == "local"]
    # y has none by the corrected rule, so the published one; of x the one with the higher mean.
    assert local[["feature", "cell_type", "rank"]].to_numpy().tolist() == [
        ["2", "y", 1],
        ["1", "x", 2],
    ]
    assert local["rule"].iloc[0] == "local by the published rule only, in a type asked for"
    more = select_features(
        local_cells(), directions=-np.ones((5, 2)), origin="x", target="z", n_local=3,
        local_types=("y",),
    )  # fmt: skip
    assert more[more["role"] == "local"]["feature"].tolist() == ["2", "4", "1"]
