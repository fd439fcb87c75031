"""Tokens of cells: read in every form, pooled by hand, and features of them by groupby."""

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

import featurelens
from featurelens.config.parse import parse_config
from featurelens.datasets.config import OwnCells
from featurelens.datasets.readers import take_cells
from featurelens.embeddings import token_rows
from featurelens.embeddings.bundle import read_bundle, write_bundle
from featurelens.embeddings.embed import embed
from featurelens.embeddings.models.precomputed.config import PrecomputedModel
from featurelens.embeddings.models.precomputed.files import read_embedding
from featurelens.embeddings.named_rows import NamedRows
from featurelens.embeddings.token_rows import TokenRows, token_rows_of, training_rows
from featurelens.io import InputError
from featurelens.sae.model import load

NAMES = pd.Index(["a", "b", "c"], dtype=object)
SETS = {f"set {number}": [f"G{10 * number + i}" for i in range(10)] for number in range(4)}


@pytest.mark.parametrize("at_once", [1, 2, 4096])
def test_activations_are_pooled_by_hand(monkeypatch, at_once):
    monkeypatch.setattr(token_rows, "ROWS_AT_ONCE", at_once)
    # Cell b has tokens 0, 3 and 4, cell a token 1, cell c tokens 2 and 5.
    values = np.array([[1, 0], [2, 5], [0, 0], [4, 0], [1, 3], [0, 8]], dtype=np.float32)
    rows = NamedRows(values, pd.Index(list("bacbbc"), dtype=object), "tokens")
    tokens = TokenRows.of(rows, NAMES, "the cells")
    pooled = tokens.pooled(sparse.csr_matrix)
    np.testing.assert_array_equal(pooled.max.toarray(), [[2, 5], [4, 3], [0, 8]])
    np.testing.assert_array_equal(pooled.mean.toarray(), [[2, 5], [2, 1], [0, 4]])
    np.testing.assert_array_equal(tokens.means(), [[2, 5], [2, 1], [0, 4]])
    assert pooled.max.dtype == pooled.mean.dtype == np.float32
    assert pooled.max.nnz == 5


def made(seed=0, n_cells=160):
    """Cells of four types with ten genes each, and five tokens a cell in a random order.

    A token is one of four directions and noise; those of a cell are of its own type's direction,
    but for one of any.
    """
    rng = np.random.default_rng(seed)
    types = np.arange(n_cells) % 4
    rates = np.where(np.repeat(np.eye(4), 10, axis=1)[types] > 0, 6.0, 1.0)
    cells = anndata.AnnData(
        sparse.csr_matrix(rng.poisson(rates).astype(np.float32)),
        obs=pd.DataFrame(
            {"label": pd.Categorical.from_codes(types.tolist(), list("wxyz"))},
            index=[f"cell{number}" for number in range(n_cells)],
        ),
        var=pd.DataFrame(index=[f"G{number}" for number in range(40)]),
    )
    cell = rng.permutation(np.repeat(np.arange(n_cells), 5))
    of_type = np.where(rng.random(len(cell)) < 0.9, types[cell], rng.integers(4, size=len(cell)))
    states = 3 * np.eye(6)[of_type] + rng.normal(0, 0.2, (len(cell), 6))
    return cells, states.astype(np.float32), cells.obs_names.to_numpy()[cell]


@pytest.fixture
def written(tmp_path):
    """The same tokens in every form, by the options that read them."""
    cells, states, names = made()
    obs = pd.DataFrame({"cell": pd.Categorical(names), "gene": "G1"})
    obs.index = obs.index.map("token{}".format)
    tokens = anndata.AnnData(states, obs=obs, obsm={"X_tokens": states})
    tokens.write_h5ad(tmp_path / "tokens.h5ad")
    np.save(tmp_path / "tokens.npy", states)
    (tmp_path / "names.txt").write_text("\n".join(names) + "\n")
    table = pd.DataFrame(states, columns=[f"d{number}" for number in range(6)])
    table.insert(0, "cell", names)
    table.to_parquet(tmp_path / "tokens.parquet")
    table.to_csv(tmp_path / "tokens.csv", index=False)
    return (
        cells,
        states,
        names,
        {
            "X": {"path": str(tmp_path / "tokens.h5ad"), "cell_column": "cell", "key": "X"},
            "obsm": {
                "path": str(tmp_path / "tokens.h5ad"),
                "cell_column": "cell",
                "key": "X_tokens",
            },
            "npy": {"path": str(tmp_path / "tokens.npy"), "names": str(tmp_path / "names.txt")},
            "parquet": {"path": str(tmp_path / "tokens.parquet")},
            "csv": {"path": str(tmp_path / "tokens.csv")},
        },
    )


def test_every_form_of_file_holds_the_same_tokens(written):
    _, states, names, forms = written
    for name, options in forms.items():
        rows = read_embedding(PrecomputedModel(rows="tokens", **options))
        np.testing.assert_allclose(rows.values, states, rtol=1e-6, err_msg=name)
        assert list(rows.names) == list(names), name


def test_a_call_gives_features_of_tokens_pooled_to_cells(written, tmp_path):
    """Activations by pandas: encode every token, then the largest and the mean of each cell."""
    cells, states, names, forms = written
    features, table = featurelens.annotate(
        cells,
        tokens=forms["X"],
        gene_sets=SETS,
        cell_type="label",
        sae=featurelens.SAEConfig(
            architecture="topk", expansion=2, k=20, learning_rate=1e-2, epochs=30
        ),
        dge=featurelens.DgeConfig(expression="measured", high_percentile=90, min_cells=10),
        n_permutations=4,
        folder=tmp_path / "found",
        log=lambda line: None,
    )
    sae = load(tmp_path / "found/sae")
    by_cell = pd.DataFrame(sae.encode(states)).groupby(names)
    order = list(cells.obs_names)
    np.testing.assert_allclose(features.X.toarray(), by_cell.max().loc[order], rtol=1e-5)
    np.testing.assert_allclose(
        features.layers["mean"].toarray(), by_cell.mean().loc[order], rtol=1e-4, atol=1e-6
    )
    assert features.uns["pooling"] == {"X": "max", "layer": "mean", "n_tokens": len(states)}
    mean = pd.DataFrame(states).groupby(names).mean().loc[order]
    np.testing.assert_allclose(features.obsm["X_emb"], mean, rtol=1e-4, atol=1e-6)
    named = table[table["top_cell_type"].notna() & (table["n_terms"] > 0)]
    assert len(named) >= 2
    for row in named.itertuples():
        rising = [term for term in row.terms.split("; ") if not term.endswith(" (down)")]
        assert rising == [f"set {'wxyz'.index(row.top_cell_type)}"]
    again = featurelens.annotate(
        cells,
        tokens=forms["npy"] | {"pooling": "mean"},
        gene_sets=SETS,
        cell_type="label",
        sae=tmp_path / "found/sae",
        n_permutations=0,
        log=lambda line: None,
    ).features
    assert (features.layers["mean"] != again.X).nnz == 0
    assert (again.layers["max"] != features.X).nnz == 0


def test_a_bundle_leads_to_its_tokens(written, tmp_path):
    cells, states, names, forms = written
    model = PrecomputedModel(rows="tokens", **forms["npy"])
    taken = take_cells(cells, OwnCells(path="adata", cell_type="label"))
    write_bundle(embed(taken, model), tmp_path / "bundle")
    path = tmp_path / "bundle/cells.h5ad"
    tokens = token_rows_of(path)
    order = np.concatenate([np.flatnonzero(names == name) for name in cells.obs_names])
    np.testing.assert_array_equal(tokens.values, states[order])
    np.testing.assert_array_equal(training_rows(path), states[order])
    info = read_bundle(tmp_path / "bundle").info["fit"]
    assert (info["n_tokens"], info["pooling"]) == (len(states), "max")
    np.save(forms["npy"]["path"], states + 1)
    with pytest.raises(InputError, match="its tokens are not those of"):
        token_rows_of(path)


def test_a_bundle_of_cells_is_trained_on_them(tmp_path):
    cells, states, _ = made(n_cells=40)
    cells.obsm["X_mine"] = states[:40]
    taken = take_cells(cells, OwnCells(path="adata", cell_type="label"))
    write_bundle(embed(taken, PrecomputedModel(key="X_mine")), tmp_path)
    assert token_rows_of(tmp_path / "cells.h5ad") is None
    np.testing.assert_array_equal(training_rows(tmp_path / "cells.h5ad"), states[:40])


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a", "b", "c", "d"], "the cells: has no cell 'd', which tokens has"),
        (["a", "b", "b", "b"], "tokens: has no cell 'c', which the cells has"),
    ],
)
def test_tokens_and_cells_must_name_each_other(names, message):
    rows = NamedRows(np.zeros((4, 2), np.float32), pd.Index(names, dtype=object), "tokens")
    with pytest.raises(InputError, match=message):
        TokenRows.of(rows, NAMES, "the cells")


def test_a_column_of_cells_that_is_not_there(written):
    *_, forms = written
    options = forms["X"] | {"cell_column": "barcode"}
    with pytest.raises(InputError, match=r"obs has no 'barcode'"):
        read_embedding(PrecomputedModel(rows="tokens", **options))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rows": "tokens", "key": "X_a"}, "path is missing; tokens are read from a file"),
        ({"rows": "tokens", "path": "t.h5ad"}, "cell_column is missing"),
        ({"rows": "tokens", "path": "t.parquet", "cell_column": "c"}, "for .h5ad and .zarr alone"),
        ({"key": "X_a", "cell_column": "c"}, "cell_column names the cells of tokens"),
        ({"rows": "tokens", "path": "t.csv", "factors": "f"}, "tokens are not decoded"),
    ],
)
def test_options_that_do_not_fit(options, message):
    with pytest.raises(ValueError, match=message):
        PrecomputedModel(**options)


def test_neither_steering_nor_a_sweep_is_of_tokens():
    config = {
        "run": "tokens",
        "datasets": {
            "mine": {
                "cells": {"kind": "h5ad", "path": "cells.h5ad", "cell_type": "label"},
                "models": {
                    "states": {"kind": "precomputed", "path": "tokens.parquet", "rows": "tokens"}
                },
                "steering": {"origin": "w", "target": "x"},
            }
        },
        "saes": {"topk": {"architecture": "topk", "expansion": 2, "k": 5}},
        "dge": {"expression": "measured"},
        "sweeps": {
            "wide": {
                "embedding": "mine/states",
                "grids": [{"architecture": ["relu"], "expansion": [2], "l1": [0.1]}],
            }
        },
    }
    with pytest.raises(InputError) as error:
        parse_config(config)
    assert "steering' moves the embedding of cells, but the rows of" in str(error.value)
    assert "'sweeps.wide.embedding' is 'mine/states', whose rows are tokens" in str(error.value)


def test_a_call_takes_one_embedding():
    cells, *_ = made(n_cells=8)
    with pytest.raises(InputError, match="neither of obsm_key and tokens is given"):
        featurelens.annotate(cells, gene_sets=SETS, cell_type="label")
