"""The map of a user's cells: who is chosen, what is written, and cells that are too few."""

import anndata
import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
from pynndescent import PyNNDescentTransformer
from scipy import sparse
from sklearn.neighbors import KNeighborsTransformer

from featurelens.embeddings.layout import NEIGHBOURS, approximate, lay_out
from featurelens.features.annotated import choose_features
from featurelens.figures.feature_map import draw as draw_feature_map

TABLE = pd.DataFrame(
    [
        ("0", "local", "B", 0.81, 3.0, "CD79A; MS4A1", "B markers; T markers (down)", 2),
        ("1", "local", "B", 0.7, 2.0, "CD79A", "B markers", 1),
        ("2", "regional", "T", 0.6, 1.0, "", "B markers (down)", 1),
        ("3", "local", "NK", 0.93, 0.5, "GNLY", "granule; NK markers; perforin; more; most", 7),
        ("4", "local", "NK", 1.0, 9.0, "GNLY", "", 0),
    ],
    columns=[
        *("feature", "type", "top_cell_type", "share_in_type", "effect"),
        *("up_genes", "terms", "n_terms"),
    ],
)


def cells(n_cells=30):
    rng = np.random.default_rng(0)
    return anndata.AnnData(
        sparse.csr_matrix(rng.poisson(0.5, (n_cells, 5)).astype(np.float32)),
        obs=pd.DataFrame(
            {"cell_type": pd.Categorical((["B", "T", "NK"] * n_cells)[:n_cells])},
            index=[f"c{i}" for i in range(n_cells)],
        ),
        obsm={
            "X_emb": rng.normal(size=(n_cells, 4)).astype(np.float32),
            "X_pca": rng.normal(size=(n_cells, 2)),
        },
    )


def texts(figure):
    figure.canvas.draw()
    return "\n".join(text.get_text() for text in figure.findobj(mpl.text.Text))


def test_one_feature_per_type_in_turn_and_those_with_terms_that_go_up_first():
    # B has features 0 and 1, NK has 3, T has 2, whose only term goes down; 4 has no term.
    assert list(choose_features(TABLE, 6)["feature"]) == ["0", "3", "1", "2"]
    assert list(choose_features(TABLE, 2)["feature"]) == ["0", "3"]


def test_terms_of_the_published_convention_where_there_are_no_others():
    published = TABLE.rename(columns={"terms": "terms_published", "n_terms": "n_terms_published"})
    assert list(choose_features(published, 6)["feature"]) == ["0", "3", "1", "2"]


def test_the_map_names_types_features_terms_and_genes():
    layout = anndata.AnnData(obs=cells().obs, obsm={"X_umap": np.zeros((30, 2))})
    shown = texts(draw_feature_map(cells(), TABLE, layout))
    for text in (
        "30 cells, 3 types",
        "NK (10)",
        "Feature 3: local, NK (93 %)",
        "granule; NK markers (+5)",
    ):
        assert text in shown, text
    assert "B markers; T markers (down)" in shown
    assert "up: CD79A, MS4A1" in shown
    assert "no gene up" in shown


def test_a_feature_without_a_main_type_is_not_named_for_one():
    row = TABLE.iloc[[0]].assign(top_cell_type=np.nan)
    layout = anndata.AnnData(obs=cells().obs)
    assert "Feature 0: local, no main type" in texts(draw_feature_map(cells(), row, layout))


def test_a_share_keeps_its_sign_on_its_line():
    row = TABLE.iloc[[0]].assign(top_cell_type="Erythrocytes", share_in_type=1.0)
    layout = anndata.AnnData(obs=cells().obs)
    assert "Feature 0: local, Erythrocytes\n(100 %)" in texts(
        draw_feature_map(cells(), row, layout)
    )


def test_a_term_that_goes_down_never_loses_the_word():
    long = "a set of genes with a very long name indeed that takes more than one line (down)"
    row = TABLE.iloc[[2]].assign(terms=long)
    layout = anndata.AnnData(obs=cells().obs)
    assert "(down)" in texts(draw_feature_map(cells(), row, layout))


def test_nothing_annotated_is_said():
    layout = anndata.AnnData(obs=cells().obs)
    shown = texts(draw_feature_map(cells(), TABLE.iloc[[4]], layout))
    assert "no feature carries a term" in shown


def test_too_few_cells_have_no_layout():
    assert "X_umap" not in lay_out(cells(3)).obsm


@pytest.mark.slow  # scanpy's neighbours compile for ten seconds
def test_the_layout_is_scanpys():
    own = anndata.AnnData(obs=cells().obs, obsm={"X_emb": cells().obsm["X_emb"]})
    sc.pp.neighbors(own, use_rep="X_emb", random_state=0)
    sc.tl.umap(own, random_state=0)
    np.testing.assert_array_equal(lay_out(cells()).obsm["X_umap"], own.obsm["X_umap"])


class Exact:
    """In pynndescent's place: exact, and its sparse array as of version 0.7."""

    def __init__(self, n_neighbors, metric, random_state, n_jobs, n_trees, n_iters):
        self.search = KNeighborsTransformer(n_neighbors=n_neighbors, metric=metric)

    def get_params(self):
        return self.search.get_params()

    def fit_transform(self, x, y=None):
        return sparse.csr_array(self.search.fit_transform(x, y))


@pytest.mark.parametrize(
    "search", [Exact, pytest.param(PyNNDescentTransformer, marks=pytest.mark.slow)]
)
def test_many_cells_have_the_neighbours_of_few(monkeypatch, search):
    monkeypatch.setattr("pynndescent.PyNNDescentTransformer", search)
    monkeypatch.setattr("featurelens.embeddings.layout.EXACT", 60)
    many, exact = cells(60), anndata.AnnData(obsm={"X_emb": cells(60).obsm["X_emb"]})
    sc.pp.neighbors(exact, use_rep="X_emb")
    among = approximate(NEIGHBOURS, 60, 0)
    found = anndata.AnnData(obsm={"X_emb": many.obsm["X_emb"]})
    sc.pp.neighbors(found, use_rep="X_emb", transformer=among)
    assert abs(found.obsp["connectivities"] - exact.obsp["connectivities"]).max() < 1e-5
    assert np.isfinite(lay_out(many).obsm["X_umap"]).all()
