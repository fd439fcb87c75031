"""Transcoders, which read one layer and predict another: their features, and what they have not.

Expected codes are the packages' formulas in double precision: sae-lens 6.54.12
(``saes/transcoder.py``), eai-sparsify 1.3.3 (``sparse_coder.py``).
"""

import anndata
import numpy as np
import pandas as pd
import pytest

import featurelens
from featurelens.controls.directions import random_directions
from featurelens.io import InputError, read_json
from featurelens.means import Means
from featurelens.sae import model
from featurelens.sae.config import ImportedSAE
from featurelens.sae.metrics import evaluate
from featurelens.sae.single import OF_TRANSCODER, import_one
from saelens_files import VERSION, write_saelens
from sparsify_files import write_sparsify

D_IN, D_OUT, D_SAE, K = 6, 3, 20, 4
NAMES = [f"c{number}" for number in range(80)]
RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, D_IN)).astype(np.float32)
ENCODER = {
    "W_enc": RNG.normal(size=(D_IN, D_SAE)).astype(np.float32),
    "b_enc": RNG.normal(size=D_SAE).astype(np.float32),
}
OF_OTHERS = {
    "W_dec": RNG.normal(size=(D_SAE, D_OUT)).astype(np.float32),
    "b_dec": RNG.normal(size=D_OUT).astype(np.float32),
}
SKIP = {"W_skip": RNG.normal(size=(D_OUT, D_IN)).astype(np.float32)}
THRESHOLD = {"threshold": RNG.uniform(0, 1, D_SAE).astype(np.float32)}


def before(X=X):
    wide = {name: array.astype(np.float64) for name, array in ENCODER.items()}
    return X.astype(np.float64) @ wide["W_enc"] + wide["b_enc"]


def above():
    return np.where(before() > THRESHOLD["threshold"], before(), 0)


def transcoder(folder, architecture="transcoder", more=(), **config):
    said = {"d_out": D_OUT, "apply_b_dec_to_input": False} | VERSION | config
    tensors = ENCODER | OF_OTHERS | dict(more)
    return write_saelens(folder, tensors, architecture=architecture, **said)


SAELENS = {
    "transcoder": ({}, before().clip(0)),
    "skip_transcoder": (SKIP, before().clip(0)),
    "jumprelu_transcoder": (THRESHOLD, above()),
    "jumprelu_skip_transcoder": (SKIP | THRESHOLD, above()),
}


def agree(sae, codes):
    found = sae.encode(X)
    assert ((found > 0) == (codes > 0)).all()
    np.testing.assert_allclose(found, codes, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("name", SAELENS)
def test_transcoders_of_saelens_encode_as_it_does_and_stay_so_in_files_of_ours(name, tmp_path):
    more, codes = SAELENS[name]
    sae = model.load(transcoder(tmp_path / "theirs", name, more))
    agree(sae, codes)
    model.save(sae, tmp_path / "ours")
    again = model.load(tmp_path / "ours")
    assert (again.architecture, again.has_decoder) == (name, False)
    np.testing.assert_array_equal(again.encode(X), sae.encode(X))
    # SAELens knows no such class, and refuses it instead of decoding by it.
    assert read_json(tmp_path / "ours/cfg.json")["architecture"] == "encoder"


def test_a_bias_that_would_be_taken_from_the_input_is_refused_as_by_saelens(tmp_path):
    with pytest.raises(InputError, match="apply_b_dec_to_input is True"):
        model.load(transcoder(tmp_path, apply_b_dec_to_input=True))
    with pytest.raises(InputError, match=r"holds .* but cfg.json asks for"):
        model.load(transcoder(tmp_path, d_out=D_IN))


@pytest.mark.parametrize("has_skip", [False, True])
def test_transcoders_of_sparsify_take_nothing_from_their_input(has_skip, tmp_path):
    square = {"W_dec": ENCODER["W_enc"].T, "b_dec": np.ones(D_IN, np.float32)}
    skip = {"W_skip": np.ones((D_IN, D_IN), np.float32)} if has_skip else {}
    said = {"transcode": True, "skip_connection": has_skip, "k": K}
    sae = model.load(write_sparsify(tmp_path, ENCODER | square | skip, **said))
    cut = np.sort(before(), axis=1)[:, [-K]]
    agree(sae, np.where(before() >= cut, before(), 0).clip(0))
    assert sae.architecture == "sparsify transcoder"
    model.save(sae, tmp_path / "ours")
    np.testing.assert_array_equal(model.load(tmp_path / "ours").encode(X), sae.encode(X))


def test_what_has_no_meaning_is_not_computed(tmp_path):
    sae = model.load(transcoder(tmp_path))
    assert sae.known_directions is None
    for asked in (lambda: sae.directions, lambda: sae.decode(sae.encode(X))):
        with pytest.raises(InputError, match="decoder predicts another layer"):
            asked()
    measured = evaluate(sae, X)
    assert np.isnan([measured.explained_variance, measured.mse, measured.shrinkage]).all()
    assert measured.l0 == pytest.approx((before() > 0).sum(axis=1).mean())
    # Its features have a control all the same, which fires as often.
    drawn = random_directions(sae, X, seed=0)
    assert ((drawn.encode(X) > 0).sum(axis=0) == (sae.encode(X) > 0).sum(axis=0)).all()
    said = []
    made = import_one(X, ImportedSAE(path=str(tmp_path)), source="s", means=Means(log=said.append))
    assert OF_TRANSCODER in said
    assert any(line.startswith("SAE: explains no variance that could be named") for line in said)
    assert made.row["architecture"] == "transcoder"
    assert np.isnan(made.row["explained_variance"])
    assert made.row["attention"] == ""


def test_a_call_annotates_its_features_and_its_page_names_what_is_lacking(tmp_path):
    """Two features for two types of cells with five genes each."""
    types = np.repeat([0, 1], 40)
    rates = np.where(np.repeat(np.eye(2), 5, axis=1)[types] > 0, 8.0, 1.0)
    cells = anndata.AnnData(
        RNG.poisson(rates).astype(np.float32),
        obs=pd.DataFrame(
            {"label": np.array(["a", "b"])[types]}, index=[f"c{n}" for n in range(80)]
        ),
        var=pd.DataFrame(index=[f"G{number}" for number in range(10)]),
        obsm={"X_mine": (np.eye(2)[types] + RNG.normal(0, 0.05, (80, 2))).astype(np.float32)},
    )
    tensors = {"W_enc": np.eye(2), "b_enc": np.full(2, -0.5), "W_dec": np.ones((2, 3))}
    tensors = {n: a.astype(np.float32) for n, a in tensors.items()} | {"b_dec": np.zeros(3, "f4")}
    said = {"d_out": 3, "apply_b_dec_to_input": False}
    write_saelens(tmp_path / "sae", tensors, architecture="transcoder", **said)
    lines = []
    features, table = featurelens.annotate(
        cells,
        obsm_key="X_mine",
        gene_sets={"one": [f"G{n}" for n in range(5)], "two": [f"G{n}" for n in range(5, 10)]},
        cell_type="label",
        sae=tmp_path / "sae",
        dge={"high_percentile": 60},
        min_genes=3,
        n_permutations=0,
        folder=tmp_path / "found",
        log=lines.append,
    )
    assert OF_TRANSCODER in lines
    np.testing.assert_allclose(
        features.X.toarray(), (cells.obsm["X_mine"] - 0.5).clip(0), atol=1e-6
    )
    assert list(table["top_cell_type"]) == ["a", "b"]
    assert "directions" not in features.varm
    page = (tmp_path / "found/atlas/atlas.html").read_text()
    assert '"has_directions":false' in page
    assert "Directions of features, and what they explain of the embedding: a transcoder" in page
    assert "Steering: not to be had of a transcoder" in page
