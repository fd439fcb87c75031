"""One folder per embedding: what is written is read, and parts that do not match are refused."""

import json

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from threadpoolctl import threadpool_limits

from featurelens.embeddings.bundle import Bundle, Fitted, make_bundle, read_bundle, write_bundle
from featurelens.embeddings.counts import in_parts, sum_rows, whole
from featurelens.embeddings.decoders.kinds.linear_simplex import LinearSimplexDecoder
from featurelens.embeddings.decoders.kinds.mlp_softmax import MLPSoftmaxDecoder
from featurelens.embeddings.decoders.kinds.none import NoDecoder
from featurelens.embeddings.decoders.kinds.pca import PCADecoder
from featurelens.embeddings.decoders.kinds.surrogate import SurrogateDecoder
from featurelens.embeddings.expression import (
    expression,
    expression_used,
    iter_expression,
    iter_measured,
)
from featurelens.embeddings.models.pca.config import PCAModel
from featurelens.io import InputError
from featurelens.planning.memory import Sizes, read_sizes

COUNTS = np.array([[1, 3], [2, 2], [5, 0]])
SCORES = np.array([[0.25, 0.75], [0.5, 0.5], [1.0, 0.0]])
DECODERS = {
    "pca": PCADecoder(components=np.eye(2, dtype=np.float32), mean=np.zeros(2, dtype=np.float32)),
    "linear_simplex": LinearSimplexDecoder(factors=np.eye(2, dtype=np.float32)),
    "none": NoDecoder(),
}


@pytest.fixture
def cells() -> anndata.AnnData:
    return anndata.AnnData(
        X=sparse.csr_matrix(np.log1p(COUNTS).astype(np.float32)),
        obs=pd.DataFrame(
            {"cell_type": pd.Categorical(["a", "a", "b"]), "library": [4.0, 4.0, 5.0]},
            index=["c1", "c2", "c3"],
        ),
        var=pd.DataFrame({"symbol": ["CD19", "LYZ"]}, index=["E1", "E2"]),
        layers={"counts": sparse.csr_matrix(COUNTS.astype(np.int32))},
    )


def bundle_of(cells: anndata.AnnData, kind: str = "linear_simplex") -> Bundle:
    return make_bundle(cells, Fitted(SCORES, DECODERS[kind], {"deviance": 1.5}), PCAModel())


@pytest.mark.parametrize("kind", DECODERS)
def test_written_and_read(cells, kind, tmp_path):
    bundle = bundle_of(cells, kind)
    write_bundle(bundle, tmp_path)
    loaded = read_bundle(tmp_path)
    assert loaded.info == bundle.info
    assert loaded.decoder.type == kind
    assert loaded.embedding.dtype == np.float32
    assert np.array_equal(loaded.embedding, SCORES)
    assert loaded.cells.obs_names.tolist() == ["c1", "c2", "c3"]
    assert whole(loaded.cells.layers["counts"]).toarray().tolist() == COUNTS.tolist()
    if kind != "none":
        assert np.array_equal(expression(loaded), expression(bundle))


def test_info_says_what_it_is(cells):
    info = bundle_of(cells).info
    assert info["model"] == "pca"
    assert info["config"] == {"kind": "pca", "n_components": 20, "seed": 0}
    assert (info["n_cells"], info["n_genes"], info["d"]) == (3, 2, 2)
    assert info["fit"] == {"deviance": 1.5}
    json.dumps(info)


def test_same_bytes_twice(cells, tmp_path):
    for name in ("first", "second"):
        write_bundle(bundle_of(cells), tmp_path / name)
    for path in sorted((tmp_path / "first").iterdir()):
        assert path.read_bytes() == (tmp_path / "second" / path.name).read_bytes(), path.name


def test_cells_given_are_left_as_they_are(cells):
    bundle_of(cells)
    assert "X_emb" not in cells.obsm


def test_measured_expression_is_scaled_over_the_kept_genes(cells):
    # Rows of counts: (1, 3), (2, 2), (5, 0), each to sum 100.
    measured = expression(bundle_of(cells), library=100, source="measured")
    np.testing.assert_allclose(measured, [[25, 75], [50, 50], [100, 0]], rtol=1e-6)
    # The decoder's factors are the genes themselves and the embedding their proportions.
    decoded = expression(bundle_of(cells), library=100, source="decoded")
    np.testing.assert_allclose(decoded, measured, rtol=1e-6)


@pytest.mark.parametrize(
    ("kind", "source", "tested", "first"),
    [
        # (1, 3) of cell c1 to sum 8, where the counts are taken; whatever the decoder makes of it.
        ("flat", "available", "decoded", [4, 4]),
        ("flat", "decoded", "decoded", [4, 4]),
        ("flat", "measured", "measured", [2, 6]),
        ("surrogate", "available", "measured", [2, 6]),
        ("surrogate", "decoded", "surrogate", [4, 4]),
        ("surrogate", "measured", "measured", [2, 6]),
        ("none", "available", "measured", [2, 6]),
        ("none", "measured", "measured", [2, 6]),
    ],
)
def test_available_expression_is_decoded_by_a_decoder_of_the_models_own(
    cells, kind, source, tested, first
):
    flat = LinearSimplexDecoder(factors=np.full((2, 2), 0.5, dtype=np.float32))
    ones = np.ones(2, dtype=np.float32)
    surrogate = SurrogateDecoder(np.zeros((2, 2), dtype=np.float32), ones, ones)
    decoder = {"flat": flat, "surrogate": surrogate, "none": NoDecoder()}[kind]
    bundle = make_bundle(cells, Fitted(SCORES, decoder, {}), PCAModel())
    assert expression_used(bundle.decoder, source) == tested
    np.testing.assert_allclose(expression(bundle, library=8, source=source)[0], first, rtol=1e-6)


@pytest.mark.parametrize("source", ["decoded", "measured"])
def test_expression_in_parts_is_expression(cells, source):
    bundle = bundle_of(cells)
    parts = list(iter_expression(bundle, library=7, source=source, n_rows=2))
    assert [(rows.start, len(part)) for rows, part in parts] == [(0, 2), (2, 1)]
    whole = expression(bundle, library=7, source=source)
    np.testing.assert_array_equal(np.concatenate([part for _, part in parts]), whole)


@pytest.mark.parametrize("convention", ["published", "corrected"])
def test_measured_rows_are_dense_expression_that_is_mostly_zero(cells, tmp_path, convention):
    write_bundle(bundle_of(cells, "none"), tmp_path)
    bundle = read_bundle(tmp_path)
    ((rows, values),) = iter_measured(bundle, convention=convention, library=7.0)
    dense = expression(bundle, convention=convention, library=7.0, source="measured")
    assert rows == slice(0, 3)
    assert values.dtype == np.float32
    assert np.array_equal(values.toarray(), dense)


def test_a_cell_without_counts_on_the_genes_is_named(cells):
    bundle = bundle_of(cells)
    bundle.cells.layers["counts"] = sparse.csr_matrix([[1, 3], [0, 0], [5, 0]], dtype=np.int32)
    with pytest.raises(InputError, match="cell 'c2' has no counts"):
        list(iter_measured(bundle))


def test_counts_in_the_file_are_read_by_rows(cells, tmp_path):
    write_bundle(bundle_of(cells), tmp_path)
    counts = read_bundle(tmp_path).cells.layers["counts"]
    assert not sparse.issparse(counts)  # left in the file
    parts = [(rows, part.toarray().tolist()) for rows, part in in_parts(counts, 2)]
    assert parts == [(slice(0, 2), COUNTS[:2].tolist()), (slice(2, 3), COUNTS[2:].tolist())]
    assert sum_rows(counts).tolist() == [4, 4, 5]


def test_expression_is_the_same_with_any_number_of_threads():
    # In two threads OpenBLAS adds up the fifteen terms of some of these products in another order.
    rng = np.random.default_rng(0)
    n_cells, n_genes = 700, 765
    counts = sparse.csr_matrix(rng.poisson(1.0, (n_cells, n_genes)).astype(np.int32))
    obs = pd.DataFrame(
        {"cell_type": pd.Categorical(["a"] * n_cells), "library": 1e3},
        index=[f"c{i}" for i in range(n_cells)],
    )
    var = pd.DataFrame({"symbol": [f"g{i}" for i in range(n_genes)]})
    var.index = var["symbol"]
    cells = anndata.AnnData(X=counts, obs=obs, var=var, layers={"counts": counts})
    factors = rng.dirichlet(np.ones(n_genes), 15).T.astype(np.float32)
    scores = rng.dirichlet(np.ones(15), n_cells)
    fitted = Fitted(scores, LinearSimplexDecoder(factors=factors), {})
    bundle = make_bundle(cells, fitted, PCAModel())
    decoded = []
    for threads in (1, 2):
        with threadpool_limits(threads, user_api="blas"):
            decoded.append(expression(bundle).tobytes())
    assert decoded[0] == decoded[1]


def test_expression_has_one_covariate_code_for_all_cells(cells):
    # Cells 1 and 2 lie at one place of the embedding, in different batches: decoded alike.
    decoder = MLPSoftmaxDecoder(
        weights=(np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]], dtype=np.float32),),
        biases=(np.zeros(2, dtype=np.float32),),
        r=np.ones(2, dtype=np.float32),
        mean_covariate=np.zeros(1, dtype=np.float32),
    )
    scores, codes = np.array([[0.5, 0], [0.5, 0], [0, 0]]), np.array([[0.0], [3.0], [0.0]])
    bundle = make_bundle(cells, Fitted(scores, decoder, {}, codes), PCAModel())
    decoded = expression(bundle, library=100)
    np.testing.assert_array_equal(decoded[0], decoded[1])
    # The mean code is 1: logits 1 and 0.5, and 1 and 0.
    share = [np.exp(1) / (np.exp(1) + np.exp(0.5)), np.exp(1) / (np.exp(1) + 1)]
    np.testing.assert_allclose(decoded[[0, 2], 0], 100 * np.array(share), rtol=1e-6)
    own = bundle.decode(scores[:2].astype(np.float32), rows=np.arange(2), library=100)
    assert not np.allclose(own[0], own[1])


def test_rows_and_covariates_of_a_model(cells):
    fitted = Fitted(SCORES[1:], NoDecoder(), {}, np.array([[1.0], [3.0]]), np.array([1, 2]))
    bundle = make_bundle(cells, fitted, PCAModel())
    assert bundle.cells.obs_names.tolist() == ["c2", "c3"]
    assert bundle.covariate.tolist() == [[1], [3]]
    assert bundle.covariate.dtype == np.float32
    assert bundle_of(cells).covariate is None
    broken = fitted._replace(covariate=np.array([[1.0], [np.nan]]))
    with pytest.raises(InputError, match="the pca covariate codes: cell 'c3' has NaN"):
        make_bundle(cells, broken, PCAModel())


def test_lost_covariates_are_refused(cells, tmp_path):
    fitted = Fitted(SCORES, NoDecoder(), {}, np.ones((3, 1)))
    bundle = make_bundle(cells, fitted, PCAModel())
    write_bundle(bundle, tmp_path)
    del bundle.cells.obsm["X_cov"]
    bundle.cells.write_h5ad(tmp_path / "cells.h5ad")
    with pytest.raises(InputError, match=r"obsm has no 'X_cov'; make the bundle again"):
        read_bundle(tmp_path)


def test_nan_in_the_embedding_names_the_cell(cells):
    scores = SCORES.copy()
    scores[1, 0] = np.nan
    with pytest.raises(InputError, match=r"the pca embedding: cell 'c2' has NaN"):
        make_bundle(cells, Fitted(scores, NoDecoder(), {}), PCAModel())


def test_a_changed_embedding_is_refused(cells, tmp_path):
    bundle = bundle_of(cells)
    write_bundle(bundle, tmp_path)
    bundle.cells.obsm["X_emb"][0, 0] += 1e-3
    bundle.cells.write_h5ad(tmp_path / "cells.h5ad")
    with pytest.raises(InputError, match=r"cells\.h5ad: obsm\['X_emb'\] is not the embedding"):
        read_bundle(tmp_path)


def test_a_decoder_of_other_genes_is_refused(cells, tmp_path):
    bundle = bundle_of(cells)
    other = LinearSimplexDecoder(factors=np.ones((3, 2), dtype=np.float32))
    write_bundle(Bundle(cells=bundle.cells, decoder=other, info=bundle.info), tmp_path)
    with pytest.raises(InputError, match=r"\(d, n_genes\) = \(2, 3\), but cells.h5ad has \(2, 2\)"):
        read_bundle(tmp_path)


def test_missing_parts_and_other_versions(cells, tmp_path):
    with pytest.raises(InputError, match=r"bundle\.json: no such file; make the bundle again"):
        read_bundle(tmp_path)
    bundle = bundle_of(cells)
    write_bundle(bundle, tmp_path)
    (tmp_path / "cells.h5ad").unlink()
    with pytest.raises(InputError, match=r"cells\.h5ad: no such file"):
        read_bundle(tmp_path)
    (tmp_path / "bundle.json").write_text('{"schema_version": 99}')
    with pytest.raises(InputError, match="schema_version is 99, this version reads 1"):
        read_bundle(tmp_path)


def test_sizes_are_read_from_the_head_of_a_bundle(cells, tmp_path):
    write_bundle(bundle_of(cells), tmp_path)
    assert read_sizes(tmp_path / "cells.h5ad") == Sizes(3, 2, 2)
    with pytest.raises(FileNotFoundError) as caught:
        read_sizes(tmp_path / "none.h5ad")
    assert caught.value.filename == str(tmp_path / "none.h5ad")
