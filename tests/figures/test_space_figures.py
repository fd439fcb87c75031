"""Figures of the space of features and of two embeddings: what they plot, what they say lacks."""

import anndata
import numpy as np
import pandas as pd
import pytest

from featurelens.features.similarity import map_features
from featurelens.figures.figure_S22 import draw as draw_figure_S22
from featurelens.figures.figure_S23 import draw as draw_figure_S23
from featurelens.figures.figure_S23 import with_labels
from featurelens.figures.figure_S24 import chosen_names
from featurelens.figures.figure_S24 import draw as draw_figure_S24
from featurelens.figures.figure_S25 import draw as draw_figure_S25
from featurelens.figures.figure_S26 import draw as draw_figure_S26
from featurelens.figures.figure_S27 import draw as draw_figure_S27
from featurelens.figures.figure_S28 import draw as draw_figure_S28
from featurelens.figures.figure_S30 import draw as draw_figure_S30
from featurelens.figures.figure_S31 import draw as draw_figure_S31
from featurelens.figures.parts.cell_clouds import MOST_CELLS, drawn_cells, label_looks
from featurelens.figures.parts.probe_panels import carries
from featurelens.figures.parts.space_panels import features_per_term
from featurelens.figures.parts.style import NO_SECOND
from figure_inputs import concepts, features
from figure_reading import panel, scatter_points, texts

NAME = "blood/nmf/topk"


@pytest.fixture(scope="module")
def cells():
    made = features(n_features=60)
    made.uns["cell_types"] = np.array(sorted(set(made.obs["cell_type"].astype(str))))
    kind = made.obs["cell_type"].astype(str).to_numpy()
    dense = made.X.toarray()
    made.varm["type_means"] = np.array(
        [dense[kind == name].mean(axis=0) for name in made.uns["cell_types"]]
    ).T
    return made


@pytest.fixture(scope="module")
def layout(cells):
    return map_features(cells)


@pytest.fixture(scope="module")
def space(cells):
    live = cells.var_names[cells.var["n_active"] > 0][:20]
    made = concepts(n_features=20)
    made.obs_names = live
    return made


def umap_of(cells):
    place = np.random.default_rng(0).normal(size=(cells.n_obs, 2))
    return anndata.AnnData(obs=cells.obs[["cell_type"]], obsm={"X_umap": place})


def test_features_of_each_term_are_counted_by_type():
    made = concepts()
    order, counts = features_per_term(made)
    table = pd.DataFrame(made.X.toarray() > 0, columns=made.var_names)
    total = table.sum()
    assert list(made.var_names[order]) == sorted(total.index, key=lambda t: (-total[t], t))
    by_type = table.groupby(made.obs["type"].to_numpy()).sum()
    for kind in ("local", "global"):
        assert counts[kind].tolist() == by_type.loc[kind, made.var_names[order]].tolist()
    assert not counts["regional"].any()


def test_figure_S22_draws_the_features_of_every_term_by_type_and_by_category():
    made = concepts()
    figure = draw_figure_S22({"d/pca/s/go": made})
    by_type, by_kind = figure.axes[-2:]
    heights = np.asarray(made.X.sum(axis=0)).ravel()
    tops = np.max([patch.get_data().values for patch in by_type.patches], axis=0)
    assert tops.tolist() == sorted(heights, reverse=True)
    shown = np.sum([patch.get_data().values for patch in by_kind.patches], axis=0)
    assert shown.tolist() == sorted(heights, reverse=True)
    assert len(by_kind.patches) == made.var["category"].nunique()


def test_figure_S22_takes_namespaces_where_terms_have_them():
    made = concepts()
    made.var["namespace"] = ["biological_process", "molecular_function"] * 7
    assert "molecular function" in texts(draw_figure_S22({"d/pca/s/go": made}))


def test_labels_of_features_without_a_gene_set_are_none(layout, space):
    labelled = with_labels(layout, space)
    assert labelled.n_obs == layout.n_obs > 20
    assert (labelled.obs["label"] == "none").sum() == layout.n_obs - 20
    assert labelled.obs.loc[space.obs_names, "label"].tolist() == list(space.obs["label"])


def test_figure_S23_draws_every_live_feature_in_both_layouts(layout, space):
    figure = draw_figure_S23(layout, space, name=NAME)
    for title, key in (("published", "X_umap_published"), ("itself", "X_umap")):
        drawn = scatter_points(panel(figure, title))
        np.testing.assert_allclose(np.sort(drawn, axis=0), np.sort(layout.obsm[key], axis=0))
    assert f"{layout.n_obs} live features, 20 with gene sets" in texts(figure)
    assert "no cell activates" in texts(draw_figure_S23(layout[:0].copy(), space, name=NAME))


def test_figure_S24_names_the_chosen_where_they_lie_and_those_that_are_not_there(layout, space):
    inside, outside = space.obs_names[3], layout.obs_names[-1]
    assert outside not in space.obs_names
    chosen = pd.DataFrame(
        {"feature": [int(outside), int(inside)], "role": ["local", "global"], "cell_type": "B"}
    )
    assert list(chosen_names(chosen)) == [inside, outside]
    figure = draw_figure_S24(space, layout, chosen)
    left, right = figure.axes
    assert left.collections[1].get_offsets().tolist() == [space.obsm["X_umap"][3].tolist()]
    assert len(right.collections[1].get_offsets()) == 2
    assert f"not here: {outside}" in texts(figure)
    assert f"{inside} (global)\nB" in texts(figure)


def test_figure_S25_shows_its_own_words(space):
    figure = draw_figure_S25(space, probes=["markers", "S100"])
    axes = panel(figure, "markers")
    assert len(axes.collections[-1].get_offsets()) == carries(space, "markers").sum()
    assert "no feature is annotated" in texts(draw_figure_S25(space[:0].copy(), probes=["x"]))


def test_figure_S26_draws_both_embeddings_or_says_that_there_is_one(cells):
    both = draw_figure_S26(
        cells, umap_of(cells), cells, umap_of(cells), name="blood/nmf", second="blood/pca"
    )
    for axes in both.axes[:2]:
        assert len(scatter_points(axes)) == cells.n_obs
    assert "blood/pca: 400 cells, 5 dimensions" in texts(both)
    assert "batches of cells" in texts(both)  # they are of one batch
    alone = draw_figure_S26(cells, umap_of(cells), {}, {}, name="blood/nmf", second=None)
    assert NO_SECOND in texts(alone)
    without = anndata.AnnData(obs=cells.obs[["cell_type"]])
    assert "four cells" in texts(draw_figure_S26(cells, without, {}, {}, name="n", second=None))


def test_of_many_cells_some_are_drawn_and_of_many_labels_the_frequent_have_colours():
    drawn = drawn_cells(MOST_CELLS + 5)
    assert len(set(drawn)) == MOST_CELLS
    assert len(drawn_cells(7)) == 7
    labels = [f"t{n:02d}" for n in range(30) for _ in range(n + 1)]
    looks = label_looks(labels)
    assert list(looks) == [*(f"t{n:02d}" for n in range(6, 30)), "others"]
    assert list(label_looks(["b", "a", "b"])) == ["a", "b"]


def test_figures_of_the_second_embedding_show_it(cells, layout, space):
    table = pd.DataFrame(
        [
            {"sae": NAME, "convention": convention, "cell_type": kind, "n_local": 2, "n_cells": 9}
            for convention in ("published", "corrected")
            for kind in cells.uns["cell_types"]
        ]
    )
    n_live = int((cells.var["n_active"] > 0).sum())
    assert f"{n_live} live features of 60" in texts(draw_figure_S27(cells, name=NAME))
    shown = texts(draw_figure_S28(cells, table, name=NAME))
    assert f"{NAME}, corrected rule" in shown
    assert "published rule (12)" in shown  # six types of two features
    figure = draw_figure_S30(space, layout, name=NAME)
    assert len(scatter_points(panel(figure, "20 annotated features"))) == 20
    assert len(scatter_points(panel(figure, "live features: similarity"))) == layout.n_obs
    assert "HLA" in texts(draw_figure_S31(space, probes=["HLA"], name=NAME))


def test_a_run_of_one_embedding_says_so_in_the_place_of_the_second():
    nothing = {}
    for figure in (
        draw_figure_S27(nothing, name=None),
        draw_figure_S28(nothing, pd.DataFrame(), name=None),
        draw_figure_S30(nothing, nothing, name=None),
        draw_figure_S31(nothing, probes=["HLA"], name=None),
    ):
        assert NO_SECOND in texts(figure)


def test_a_second_embedding_without_annotated_features_says_so(layout, space):
    empty = space[:0].copy()
    assert f"no feature of {NAME}" in texts(draw_figure_S31(empty, probes=["HLA"], name=NAME))
    assert "no annotated feature" in texts(draw_figure_S30(empty, layout, name=NAME))
