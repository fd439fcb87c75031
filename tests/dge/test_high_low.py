"""High and low cells of one type: whose they are by pencil, their genes by scipy."""

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.stats
from scipy import sparse

from featurelens.dge import high_low
from featurelens.dge.config import DgeConfig, HighLowConfig
from featurelens.dge.high_low import all_high_low, compare_high_low, high_and_low
from featurelens.dge.high_low_features import features_of
from featurelens.dge.layout import prepare_bundle
from featurelens.embeddings.bundle import Bundle
from featurelens.embeddings.decoders.kinds.none import NoDecoder
from featurelens.features.config import FeatureConfig
from featurelens.features.describe import describe_features
from featurelens.io import InputError

N_CELLS, N_GENES = 600, 25
MEASURED = DgeConfig(expression="measured", min_cells=10, composition="raw", pseudocount=1e-12)
ASKED = HighLowConfig(cell_type="B", features=(1,), percent=20)


@pytest.fixture(scope="module")
def data():
    """Counts whose first gene follows feature 1; chromatin that closes with it."""
    rng = np.random.default_rng(0)
    codes = np.maximum(rng.normal(-0.5, 1, (N_CELLS, 4)), 0)
    codes[:, 3] = 0
    types = np.where(np.arange(N_CELLS) % 3 > 0, "B", "T")
    mean = np.full((N_CELLS, N_GENES), 5.0)
    mean[:, 0] *= np.exp(codes[:, 1])
    counts = sparse.csr_matrix(rng.poisson(mean).astype(np.int32))
    names = [f"cell{number}" for number in range(N_CELLS)]
    cells = anndata.AnnData(
        obs=pd.DataFrame(
            {"cell_type": pd.Categorical(types), "batch": pd.Categorical(["all"] * N_CELLS)},
            index=names,
        ),
        var=pd.DataFrame(
            {"symbol": [f"G{number}" for number in range(N_GENES)]},
            index=[f"G{number}" for number in range(N_GENES)],
        ),
        layers={"counts": counts},
        obsm={"X_emb": rng.normal(size=(N_CELLS, 3)).astype(np.float32)},
    )
    features = describe_features(
        sparse.csr_matrix(codes.astype(np.float32)), cells, FeatureConfig(n_shuffles=19)
    )
    is_open = rng.random((N_CELLS, 40)) < 0.5 / (1 + codes[:, 1:2])
    chromatin = anndata.AnnData(
        sparse.csr_matrix((2 * is_open).astype(np.float32)),
        obs=pd.DataFrame(index=names),
        var=pd.DataFrame(index=[f"peak{number}" for number in range(40)]),
    )
    return Bundle(cells, NoDecoder(), {}), features, chromatin


def test_the_authors_sets_hold_the_inactive_cells_again():
    """As he counts feature 1238: 4,138 cells, 690 active; 35 high, 3,448 + 35 low."""
    values = np.r_[np.zeros(3448), np.arange(1, 691), np.full(100, 5.0)]
    rows = np.arange(4138)
    published = high_and_low(values, rows, percent=5, convention="published")
    assert (len(published.high), len(published.low)) == (35, 3483)
    assert (published.n_cells, published.n_active) == (4138, 690)
    corrected = high_and_low(values, rows, percent=5, convention="corrected")
    assert (len(corrected.high), len(corrected.low)) == (35, 35)
    assert (values[corrected.low] > 0).all()
    assert corrected.bounds == (35.45, 655.55)  # 1 + 689 / 20, 690 - 689 / 20


def test_genes_are_those_of_welchs_test(data):
    bundle, features, _ = data
    genes, _ = compare_high_low(bundle, features, ASKED, config=MEASURED)
    values = features.X[:, 1].toarray().ravel()
    of_type = (features.obs["cell_type"] == "B").to_numpy()
    lower, upper = np.quantile(values[of_type & (values > 0)], [0.2, 0.8])
    high = of_type & (values > upper)
    counts = bundle.cells.layers["counts"].toarray().astype(float)
    scaled = counts / counts.sum(axis=1, keepdims=True) * 1e4
    for convention, low, expression in (
        ("published", of_type & (values < lower), counts),
        ("corrected", of_type & (values < lower) & (values > 0), scaled),
    ):
        own = genes[genes["convention"] == convention]
        test = scipy.stats.ttest_ind(expression[high], expression[low], equal_var=False)
        np.testing.assert_allclose(own["t"], test.statistic, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(own["p"], test.pvalue, rtol=1e-3)
        fold = np.log2(expression[high].mean(axis=0) / expression[low].mean(axis=0))
        np.testing.assert_allclose(own["log2_fold"], fold, rtol=1e-3, atol=1e-5)
        assert own["gene"].iloc[own["p"].argmin()] == "G0"
        assert set(own["n_high"]) == {high.sum()}
        assert set(own["n_low"]) == {low.sum()}


def test_chromatin_is_compared_on_its_own_columns(data):
    bundle, features, chromatin = data
    _, sets = compare_high_low(bundle, features, ASKED, config=MEASURED, modality=chromatin)
    row = sets.set_index(["convention", "measure"]).loc[("corrected", "share_open")]
    values = features.X[:, 1].toarray().ravel()
    of_type = (features.obs["cell_type"] == "B").to_numpy()
    upper = np.quantile(values[of_type & (values > 0)], 0.8)
    share = (chromatin.X.toarray() > 0).mean(axis=1)
    assert row["mean_high"] == pytest.approx(share[of_type & (values > upper)].mean())
    assert row["sem_high"] == pytest.approx(scipy.stats.sem(share[of_type & (values > upper)]))
    assert row["mean_high"] < row["mean_low"]
    assert row["p_shuffled"] == pytest.approx(1 / 1000)
    mean = sets.set_index(["convention", "measure"]).loc[("corrected", "mean")]
    assert mean["mean_high"] == pytest.approx(2 * row["mean_high"])


def test_chromatin_that_has_nothing_to_do_with_it_is_as_far_apart_when_shuffled(data):
    bundle, features, chromatin = data
    order = np.random.default_rng(5).permutation(N_CELLS)
    unrelated = anndata.AnnData(chromatin.X[order], obs=chromatin.obs, var=chromatin.var)
    _, sets = compare_high_low(bundle, features, ASKED, config=MEASURED, modality=unrelated)
    assert sets["p_shuffled"].min() > 0.05


def test_too_few_cells_are_said_and_not_tested(data):
    bundle, features, _ = data
    config = DgeConfig(expression="measured", min_cells=60)
    genes, sets = compare_high_low(bundle, features, ASKED, config=config)
    assert set(genes["convention"]) == {"published"}
    why = sets.set_index("convention")["why_not_tested"]
    assert why["published"] == ""
    assert why["corrected"].endswith("60 of each are needed")


def test_several_comparisons_are_each_alone_and_lay_expression_out_once(data, monkeypatch):
    bundle, features, chromatin = data
    asked = [
        HighLowConfig(cell_type=cell_type, n_features=1, percent=20, modality="open")
        for cell_type in ("B", "T")
    ]
    alone = [
        compare_high_low(bundle, features, each, config=MEASURED, modality=chromatin)
        for each in asked
    ]
    laid, read = [], []

    def prepare(*arguments, convention, **options):
        laid.append(convention)
        return prepare_bundle(*arguments, convention=convention, **options)

    monkeypatch.setattr(high_low, "prepare_bundle", prepare)
    found = all_high_low(
        bundle,
        features,
        asked,
        config=MEASURED,
        read=lambda name: read.append(name) or chromatin,
    )
    assert (laid, read) == (["published", "corrected"], ["open"])
    for together, parts in zip(found, zip(*alone, strict=True), strict=True):
        pd.testing.assert_frame_equal(together, pd.concat(parts, ignore_index=True))


def test_features_are_named_or_those_of_the_type(data):
    bundle, features, chromatin = data
    asked = HighLowConfig(cell_type="B", n_features=2, percent=20, modality="open")
    wanted = []
    _, sets = all_high_low(
        bundle,
        features,
        [asked],
        config=MEASURED,
        read=lambda name: wanted.append(name) or chromatin,
    )
    assert wanted == ["open"]
    assert sets["feature"].nunique() == 2
    place = list(features.uns["cell_types"]).index("B")
    z = features.varm["type_z"][:, place]
    assert sets["feature"].iloc[0] == np.nanargmax(z)


def test_a_feature_of_the_type_that_too_few_cells_activate_comes_behind_others():
    rng = np.random.default_rng(1)
    codes = np.zeros((300, 4), np.float32)
    codes[:20, 0] = 9  # 20 cells, of which one would be high
    codes[:150, 1] = rng.uniform(1, 2, 150)
    codes[150:, 2] = 1
    types = np.repeat(["B", "T"], 150)
    cells = anndata.AnnData(
        obs=pd.DataFrame(
            {"cell_type": pd.Categorical(types), "batch": pd.Categorical(["all"] * 300)},
            index=[f"cell{number}" for number in range(300)],
        ),
        obsm={"X_emb": rng.normal(size=(300, 3))},
    )
    features = describe_features(sparse.csr_matrix(codes), cells, FeatureConfig(n_shuffles=19))
    assert set(features.var.loc[["0", "1"], "top_cell_type"]) == {"B"}
    assert features_of(features, HighLowConfig(cell_type="B", percent=5)) == [1]
    # A tenth of 20 cells are two.
    assert set(features_of(features, HighLowConfig(cell_type="B", percent=10))) == {0, 1}


@pytest.mark.parametrize(("first", "compared"), [("2", {2}), ("0+2", {0, 2})])
def test_the_steered_feature_is_the_first_of_the_selection(data, first, compared):
    bundle, features, _ = data
    asked = HighLowConfig(cell_type="B", features="steered", percent=20)
    selected = pd.DataFrame({"feature": [first, "1"], "role": ["global", "local"]})
    genes, sets = all_high_low(
        bundle, features, [asked, ASKED], config=MEASURED, selected=selected, read=str
    )
    for table in (genes, sets):
        assert set(table["feature"]) == {*compared, 1}
    named = HighLowConfig(cell_type="B", features=tuple(compared), percent=20)
    by_number, _ = compare_high_low(bundle, features, named, config=MEASURED)
    own = genes[genes["feature"].isin(compared)].reset_index(drop=True)
    pd.testing.assert_frame_equal(own, by_number)


def test_mistakes_are_said(data):
    bundle, features, _ = data
    asked = HighLowConfig(cell_type="B", features="steered")
    with pytest.raises(InputError, match="no feature is steered"):
        compare_high_low(bundle, features, asked, config=MEASURED)
    for number, message in ((9, "no feature 9; there are 0 to 3"), (3, "feature 3 is dead")):
        asked = HighLowConfig(cell_type="B", features=(number,))
        with pytest.raises(InputError, match=message):
            compare_high_low(bundle, features, asked, config=MEASURED)
    with pytest.raises(InputError, match="'NK'"):
        compare_high_low(bundle, features, HighLowConfig(cell_type="NK"), config=MEASURED)
