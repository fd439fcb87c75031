"""The call for notebooks: the stage's own result, whatever cells are given as."""

from dataclasses import replace

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

import featurelens
from featurelens.embeddings.bundle import Bundle, Fitted, make_bundle, write_bundle
from featurelens.embeddings.decoders.kinds.pca import PCADecoder
from featurelens.embeddings.models.pca.config import PCAModel
from featurelens.features.config import FeatureConfig
from featurelens.features.describe import describe_features
from featurelens.io import InputError
from featurelens.means import silent
from featurelens.sae.model import SAE, save
from featurelens.steering.config import SteeringConfig
from featurelens.steering.genes import EFFECT_COLUMNS
from featurelens.steering.study import steer_cells
from featurelens.steering.targets import Target

N, D, GENES, WIDTH = 60, 4, 30, 12
TYPES = np.repeat(["a", "b", "c"], N // 3)


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(N, D)) + np.repeat(np.eye(3, D) * 3, N // 3, axis=0)
    decoder = PCADecoder(
        components=rng.normal(size=(D, GENES)).astype(np.float32) * 0.2,
        mean=np.full(GENES, 2, dtype=np.float32),
    )
    counts = rng.poisson(decoder.decode(scores.astype(np.float32), library=900))
    names = [f"g{number}" for number in range(GENES)]
    cells = anndata.AnnData(
        X=sparse.csr_matrix(np.log1p(counts).astype(np.float32)),
        obs=pd.DataFrame(
            {
                "cell_type": pd.Categorical(TYPES),
                "batch": pd.Categorical(["x", "y", "z"] * (N // 3)),
                "library": counts.sum(axis=1).astype(float),
            },
            index=[f"cell{row}" for row in range(N)],
        ),
        var=pd.DataFrame({"symbol": names}, index=names),
        layers={"counts": sparse.csr_matrix(counts.astype(np.int32))},
    )
    return make_bundle(cells, Fitted(scores, decoder, {}), PCAModel())


@pytest.fixture(scope="module")
def sae() -> SAE:
    rng = np.random.default_rng(1)
    W_dec = rng.normal(size=(WIDTH, D)).astype(np.float32)
    b_enc = np.full(WIDTH, -0.2, dtype=np.float32)
    b_enc[5] = -99  # dead
    return SAE("any", W_dec.T.copy(), b_enc, W_dec, np.zeros(D, dtype=np.float32), k=5)


def call(data, sae, *arguments, **options):
    return featurelens.steer(data, sae, *arguments, **{"log": silent} | options)


def test_a_call_and_a_run_give_the_same(bundle, sae):
    config = SteeringConfig(origin="a", target="b", features=(3,), n_local=0)
    described = describe_features(
        sae.encode_sparse(bundle.embedding), bundle.cells, FeatureConfig()
    )
    study = steer_cells(sae, bundle, described, config, others={"frozen": sae}, log=silent)
    found = call(bundle, sae, 3, "a", to="b", convention="both", others={"frozen": sae})
    key = ["convention", "gene"]
    alike = [name for name in EFFECT_COLUMNS if name != "role"]
    pd.testing.assert_frame_equal(
        *(
            table.sort_values(key, ignore_index=True)[alike]
            for table in (study.effects, found.genes)
        )
    )
    pd.testing.assert_frame_equal(study.controls.drop(columns="feature"), found.controls)
    pd.testing.assert_frame_equal(study.doses.drop(columns="feature"), found.doses)
    # The same SAE as a control has the same feature, and does the same to the last digit or so.
    rows = found.controls.set_index("kind")
    assert rows.loc["frozen", "control"] == "3"
    assert rows.loc["frozen", "matched_to_r"] == pytest.approx(1)
    measures = ["displacement", "efficiency", "specificity", "precision"]
    np.testing.assert_allclose(
        *(rows.loc[kind, measures].astype(float) for kind in ("feature", "frozen")), atol=1e-4
    )


def test_folders_names_and_masks_are_the_same_cells(bundle, sae, tmp_path):
    write_bundle(bundle, tmp_path / "bundle")
    save(sae, tmp_path / "sae")
    plain = call(bundle, sae, 3, "a", to="b")
    from_folders = call(tmp_path / "bundle", tmp_path / "sae", "3", "a", to="b")
    pd.testing.assert_frame_equal(plain.genes, from_folders.genes)
    mask = TYPES == "a"
    named = call(bundle, sae, [3], list(bundle.cells.obs_names[mask]), to="b")
    masked = call(bundle, sae, 3, mask, to="b")
    pd.testing.assert_frame_equal(named.genes, masked.genes)
    np.testing.assert_array_equal(named.after, plain.after)
    assert bundle.cells.obs["cell_type"].tolist() == TYPES.tolist()  # left as it was
    assert masked.cells.index.tolist() == bundle.cells.obs_names[mask].tolist()


def test_cells_without_a_decoder_move_in_the_embedding_alone(bundle, sae):
    adata = anndata.AnnData(
        obs=pd.DataFrame({"kind": TYPES}, index=bundle.cells.obs_names),
        obsm={"X_mine": bundle.embedding},
    )
    said = []
    found = call(adata, sae, 3, "a", to="b", obsm_key="X_mine", cell_type="kind", log=said.append)
    whole = call(bundle, sae, 3, "a", to="b")
    np.testing.assert_array_equal(found.after, whole.after)
    assert found.genes.empty
    assert found.dose_genes.empty
    assert any("nothing decodes this embedding" in line for line in said)
    pd.testing.assert_frame_equal(found.cells, whole.cells)
    same = ["displacement", "efficiency"]
    first = [table.controls.loc[0, same].astype(float) for table in (found, whole)]
    assert found.controls["precision"].isna().all()
    assert first[0]["displacement"] == pytest.approx(first[1]["displacement"], rel=0.3)


def test_targets_as_numbers_maxima_and_rules(bundle, sae):
    codes = sae.encode(bundle.embedding)[:, 3]
    of_b = codes[TYPES == "b"]
    for to, expected in (
        ("b", of_b.mean()),
        ("maximum", codes.max()),
        (0.25, 0.25),
        (Target(rule="quantile", quantile=0.9, cell_type="b"), np.quantile(of_b, 0.9)),
    ):
        found = call(bundle, sae, 3, "a", to=to, towards="b", doses=())
        np.testing.assert_allclose(found.cells["activation_after"], expected, rtol=1e-5)
    gone = call(bundle, sae, 3, "b", operation="ablate", towards="a", doses=())
    assert (gone.cells["activation_after"] == 0).all()
    assert (gone.cells["activation_before"] > 0).any()
    twice = call(bundle, sae, 3, "b", operation="multiply", to=2, towards="a", doses=())
    np.testing.assert_allclose(
        twice.cells["activation_after"], 2 * twice.cells["activation_before"]
    )


def test_intervals_over_donors_where_there_are_several(bundle, sae):
    found = call(bundle, sae, 3, "a", to="b").controls.iloc[0]
    assert found["n_donors"] == 3
    assert found["efficiency_donor_low"] < found["efficiency"] < found["efficiency_donor_high"]
    alone = bundle.cells.copy()
    alone.obs["batch"] = "one"
    found = call(replace(bundle, cells=alone), sae, 3, "a", to="b")
    assert "all judged cells are of one donor: intervals are over cells alone" in found.remarks
    single = found.controls.iloc[0]
    assert single["n_donors"] == 1
    assert np.isnan(single["efficiency_donor_low"])


def test_a_value_that_no_cell_has_is_remarked_on(bundle, sae):
    highest = sae.encode(bundle.embedding)[:, 3].max()
    found = call(bundle, sae, 3, "a", to=2 * float(highest), towards="b", doses=(0.25, 1))
    assert any("2 times the highest activation" in line for line in found.remarks)
    assert found.doses["beyond_range"].tolist() == [False, True]


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((99, "a"), {"to": "b"}, "no feature 99: the SAE has 12 features, 0 to 11"),
        ((5, "a"), {"to": "b"}, "feature 5 is dead: no cell has it"),
        (("x", "a"), {"to": "b"}, "feature 'x' is no number"),
        ((3, "d"), {"to": "b"}, "no cell is of type 'd'; the types are a, b, c"),
        ((3, "a"), {"to": "d"}, "no cell is of type 'd'"),
        ((3, ["cell1", "nobody"]), {"to": "b"}, "cell 'nobody' is not among the cells"),
        ((3, np.ones(7, dtype=bool)), {"to": "b"}, r"the mask of cells has shape \(7,\)"),
        ((3, ["cell1"]), {"to": "b"}, "cell type 'cells given' has 1 cells"),
        ((3, "a"), {"to": 0.5}, "name the cell type that movement is measured towards"),
        ((3, "a"), {}, "set needs 'to'"),
        ((3, "a"), {"to": "b", "operation": "multiply"}, "multiply takes a number"),
        ((3, "a"), {"to": "b", "factor": 2}, "'factor' is for runs"),
        ((3, "a"), {"to": "b", "colour": 2}, "colour"),
        ((3, "a"), {"to": "b", "n_controls": 20}, "n_controls"),
        ((3, "a"), {"to": "a"}, "two cell types"),
        ((3, "a"), {"to": "b", "donor": "patient"}, "steering.donor: no column 'patient'"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line(bundle, sae, arguments, options, message):
    with pytest.raises(InputError, match=message) as caught:
        call(bundle, sae, *arguments, **options)
    assert "\n" not in str(caught.value)
