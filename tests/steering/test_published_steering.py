"""Steering under ``published`` against the author's computation (supp_19_sc.py), restated here."""

from dataclasses import dataclass

import anndata
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import sparse
from statsmodels.stats.multitest import multipletests

import author_annotation as author
from featurelens.embeddings.bundle import Bundle, Fitted, make_bundle
from featurelens.embeddings.decoders.kinds.mlp_softmax import MLPSoftmaxDecoder
from featurelens.embeddings.models.multidgd.config import MultiDGDModel
from featurelens.features.config import FeatureConfig
from featurelens.features.describe import describe_features
from featurelens.steering.config import SteeringConfig
from featurelens.steering.study import Study, steer_cells

N = 60


@dataclass
class Mixed:
    """Five features in three dimensions; the SAE's error is not zero."""

    weights: np.ndarray

    @property
    def directions(self) -> np.ndarray:
        return np.linalg.pinv(self.weights).astype(np.float32)

    def encode(self, X: np.ndarray) -> np.ndarray:
        return np.maximum(X @ self.weights + 0.1, 0).astype(np.float32)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        return (codes @ self.directions).astype(np.float32)


@pytest.fixture(scope="module")
def made() -> author.Study:
    return author.study()


@pytest.fixture(scope="module")
def sae() -> Mixed:
    return Mixed(np.random.RandomState(0).normal(size=(3, 5)).astype(np.float32))


@pytest.fixture(scope="module")
def size() -> np.ndarray:
    return np.random.RandomState(1).uniform(1.2, 5, size=author.N_GENES)


@pytest.fixture(scope="module")
def bundle(made, size) -> Bundle:
    genes = [f"G{number}" for number in range(author.N_GENES)]
    labels = np.where(made.z[:N, 0] > 0, "b", "a")
    names = [f"c{number}" for number in range(N)]
    obs = pd.DataFrame({"cell_type": pd.Categorical(labels), "batch": "1"}, index=names)
    obs["library"] = made.library[:N]
    cells = anndata.AnnData(
        obs=obs,
        var=pd.DataFrame({"symbol": genes}, index=genes),
        layers={"counts": sparse.csr_matrix(made.counts[:N].astype(np.int32))},
        uns={"library_column": "GEX_n_counts"},
    )
    cells.X = sparse.csr_matrix(np.log1p(made.counts[:N]).astype(np.float32))
    decoder = MLPSoftmaxDecoder(
        weights=(made.weights.T.astype(np.float32),),
        biases=(np.zeros(author.N_GENES, np.float32),),
        r=size,
        mean_covariate=np.zeros(2, np.float32),
    )
    fitted = Fitted(made.z[:N], decoder, {}, covariate=made.code[:N])
    return make_bundle(cells, fitted, MultiDGDModel(checkpoint="-", hyperparameters="-"))


@pytest.fixture(scope="module")
def study(bundle, sae) -> Study:
    codes = sparse.csr_matrix(sae.encode(bundle.embedding))
    features = describe_features(codes, bundle.cells, FeatureConfig())
    config = SteeringConfig(origin="a", target="b", n_local=0, doses=())
    return steer_cells(sae, bundle, features, config, log=lambda _: None)


def counts(made, z, rows) -> np.ndarray:
    """Softmax of the decoder from z and each cell's own code, times its column of obs."""
    logits = np.hstack([z, made.code[rows]]) @ made.weights
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    return shares / shares.sum(axis=1, keepdims=True) * made.library[rows, None]


def moved(made, sae, feature, value, rows) -> np.ndarray:
    """Activations with one column overwritten, decoded by the SAE."""
    z = sae.encode(made.z[rows].astype(np.float32))
    z[:, feature] = value
    return sae.decode(z)


def test_the_value_is_the_mean_for_expression_and_half_as_much_again_in_pictures(
    study, made, sae, bundle
):
    rows = np.flatnonzero(bundle.cells.obs["cell_type"] == "a")
    target = bundle.cells.obs["cell_type"] == "b"
    (row,) = study.selected.to_dict("records")
    feature = int(row["feature"])
    mean = sae.encode(bundle.embedding[target])[:, feature].mean(dtype=float)
    assert row["steered_value"] == pytest.approx(mean, rel=1e-6)
    drawn = study.trajectories[study.trajectories.obs["condition"] == "steered"].obsm["X_emb"]
    np.testing.assert_allclose(drawn, moved(made, sae, feature, 1.5 * mean, rows), rtol=1e-4)


def test_expression_and_regression_are_the_authors(study, made, sae, bundle, size):
    """The control is the original embedding; the number of the cell a covariate; alpha is r."""
    rows = np.flatnonzero(bundle.cells.obs["cell_type"] == "a")
    (row,) = study.selected.to_dict("records")
    after = moved(made, sae, int(row["feature"]), row["steered_value"], rows)
    before, after = counts(made, made.z[rows], rows), counts(made, after, rows)
    effects = study.effects
    table = effects[effects["convention"] == "published"].reset_index(drop=True)
    np.testing.assert_allclose(table["mean_control"], before.mean(axis=0), rtol=1e-4)
    np.testing.assert_allclose(table["mean_steered"], after.mean(axis=0), rtol=1e-4)
    n = len(rows)
    design = np.column_stack([np.ones(2 * n), np.tile(np.arange(n), 2), np.repeat([0, 1], n)])
    p = []
    for gene in range(author.N_GENES):
        family = sm.families.NegativeBinomial(alpha=size[gene])
        y = np.r_[before[:, gene], after[:, gene]]
        fit = sm.GLM(y, design, family=family).fit(tol=1e-12, maxiter=200)
        found = table.iloc[gene]
        assert found["glm_log2_fold"] == pytest.approx(fit.params[2] / np.log(2), abs=1e-3)
        assert found["glm_p"] == pytest.approx(fit.pvalues[2], rel=5e-3, abs=1e-12)
        p.append(fit.pvalues[2])
    q = multipletests(p, method="fdr_bh")[1]
    np.testing.assert_allclose(table["glm_q"], q, rtol=5e-3, atol=1e-12)
    assert 0 < (q < 0.05).sum() < author.N_GENES
