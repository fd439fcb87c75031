"""Figures of the concept space: what is drawn is what the tables hold."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from featurelens.concepts.comparison import compare_concepts
from featurelens.concepts.config import ConceptConfig
from featurelens.concepts.space import kept_terms
from featurelens.figures.figure_3 import draw as draw_figure_3
from featurelens.figures.figure_S22 import draw as draw_figure_S22
from featurelens.figures.figure_S29 import at_least
from featurelens.figures.figure_S29 import draw as draw_figure_S29
from featurelens.figures.figure_S32 import draw as draw_figure_S32
from featurelens.figures.figure_S32 import shared_counts
from featurelens.figures.parts.concept_panels import (
    category_looks,
    legend_columns,
    mark_shares,
    short_names,
)
from featurelens.figures.parts.probe_panels import carries
from featurelens.tables import concept_sizes, terms_per_feature
from featurelens.tables.concept_frequency import concept_frequencies
from figure_inputs import concepts, enrichment
from figure_reading import panel, scatter_points, texts


def test_figure_3_legend_is_in_order_of_frequency_without_repeated_colours():
    spaces = {"pca": concepts(n_categories=23), "poisson_nmf": concepts(9, n_categories=23)}
    looks = category_looks(spaces)
    counts = pd.concat([space.obs["label"] for space in spaces.values()]).value_counts()
    assert [counts[name] for name in looks] == sorted(counts, reverse=True)
    assert len({colour for colour, _ in looks.values()}) == len(looks) == 23
    assert len({marker for _, marker in looks.values()}) > 1
    assert {marker for _, marker in category_looks({"pca": concepts()}).values()} == {"o"}


def test_figure_3_draws_every_feature_of_every_embedding():
    spaces = {"pca": concepts(n_features=80), "poisson_nmf": concepts(9, n_features=50)}
    figure = draw_figure_3(spaces, probes=["HLA", "ribosom"])
    for name, space in spaces.items():
        assert len(scatter_points(panel(figure, f"{name}:"))) == space.n_obs


def test_figure_3_legend_stays_inside_the_figure():
    space = concepts(n_features=60)
    space.obs["label"] = [f"a category with quite a long name {row % 14}" for row in range(60)]
    figure = draw_figure_3({"pca": space}, probes=["HLA"])
    figure.canvas.draw()
    legend = figure.subfigs[0].legends[0].get_window_extent()
    assert 0 <= legend.x0 < legend.x1 <= figure.bbox.width


def test_figure_3_says_how_many_features_are_no_points():
    space = concepts(n_features=28)
    assert "pca: 28 annotated features" in texts(draw_figure_3({"pca": space}, probes=["HLA"]))
    space.uns["n_annotated"] = 33
    drawn = texts(draw_figure_3({"pca": space}, probes=["HLA"]))
    assert "pca: 28 of 33 annotated features (terms that rise)" in drawn


def test_short_names_keep_what_tells_them_apart():
    assert short_names(["d/pca/x20/go", "d/nmf/x20/go"]) == {
        "d/pca/x20/go": "pca",
        "d/nmf/x20/go": "nmf",
    }
    assert short_names(["a/pca/x", "b/nmf/x"]) == {"a/pca/x": "a/pca", "b/nmf/x": "b/nmf"}
    for names in (["d/pca"], ["d/pca", "other"], ["d", "d"], []):
        assert short_names(names) == {name: name for name in names}


def test_figure_3_probe_finds_terms_by_case_sensitive_substring():
    space = concepts()
    by_hand = [
        any(value and "markers" in term for value, term in zip(row, space.var_names, strict=True))
        for row in space.X.toarray()
    ]
    assert carries(space, "markers").tolist() == by_hand
    assert 0 < sum(by_hand) < space.n_obs
    assert not carries(space, "Markers").any()
    figure = draw_figure_3({"pca": space}, probes=["markers"])
    axes = panel(figure, "markers")
    assert f"{sum(by_hand)} of {space.n_obs}" in axes.get_title()
    assert len(axes.collections[-1].get_offsets()) == sum(by_hand)


def test_figure_3_without_probes_has_no_half_page_for_them():
    space = concepts(n_features=20)
    alone, probed = (draw_figure_3({"pca": space}, probes=probes) for probes in ([], ["HLA"]))
    assert len(alone.subfigs) == 1
    assert alone.get_figheight() < probed.get_figheight() - 1.7
    assert "HLA" in texts(probed)
    assert "HLA" not in texts(alone)


def test_figure_3_probes_the_first_space_that_has_features():
    empty, full = concepts(n_features=20)[:0], concepts(n_features=20)
    drawn = draw_figure_3({"nmf": empty, "pca": full}, probes=["HLA"])
    assert "HLA\n0 of 20" in texts(drawn)
    nothing = draw_figure_3({"nmf": empty}, probes=["HLA"])
    assert len(nothing.subfigs) == 1
    assert "no feature of nmf is annotated" in texts(nothing)


@pytest.mark.parametrize(
    ("low", "high", "shown"),
    [(0.18, 0.42, [0.2, 0.3, 0.4]), (0.11, 0.95, 6), (0.011, 0.9, [0.02, 0.05, 0.1, 0.2, 0.5])],
)
def test_shares_have_three_marks_at_least(low, high, shown):
    axes = Figure().subplots()
    axes.set_yscale("log")
    axes.set_ylim(low, high)
    mark_shares(axes.yaxis)
    marks = [mark for mark in axes.yaxis.get_majorticklocs() if low <= mark <= high]
    if isinstance(shown, int):
        assert len(marks) >= shown
    else:
        np.testing.assert_allclose(marks, shown)
    assert axes.yaxis.get_major_formatter()(0.015, 0) == "1.5 %"


def test_figure_3_without_annotated_features_says_so():
    empty = concepts()[:0].copy()
    assert "no feature of pca is annotated" in texts(draw_figure_3({"pca": empty}, probes=["HLA"]))
    assert "no concept space" in texts(draw_figure_3({}, probes=[]))


def test_figure_3_tells_words_from_parts_of_words():
    space = concepts()
    figure = draw_figure_3({"pca": space}, probes=["marker", "MARKERS", "T cell"])
    within = int(carries(space, "marker").sum())
    assert f"{within} of {space.n_obs} (0 as words)" in panel(figure, "marker\n").get_title()
    other_case = panel(figure, "MARKERS").get_title()
    assert f"0 of {space.n_obs} ({within} as words)" in other_case
    assert "as words)" not in panel(figure, "T cell").get_title()
    drawn = texts(figure)
    assert "only within other words" in drawn
    assert "only in other letter case" in drawn


def test_features_without_a_category_come_last_in_grey():
    space = concepts()
    space.obs["label"] = ["none"] * 100 + ["rare"] * 20 + ["frequent"] * 30
    assert list(category_looks({"pca": space})) == ["frequent", "rare", "none"]


def test_long_names_are_wrapped_and_told_apart_in_the_legend():
    space = concepts()
    long = "biological process involved in {}species interaction between organisms"
    names = [long.format("inter"), long.format("intra"), *(f"short {n}" for n in range(21))]
    space.obs["label"] = (names * 7)[: space.n_obs]
    figure = draw_figure_3({"pca": space}, probes=["HLA"])
    figure.canvas.draw()
    legend = figure.subfigs[0].legends[0]
    assert [text.get_text().replace("\n", " ") for text in legend.get_texts()] == list(
        category_looks({"pca": space})
    )
    assert legend_columns(names) == 3
    box = legend.get_window_extent()
    assert 0 <= box.x0 < box.x1 <= figure.bbox.width
    assert figure.subfigs[0].bbox.y0 <= box.y0 < box.y1 < figure.subfigs[0].bbox.y1


def test_figure_s22_draws_both_layouts_of_every_embedding():
    spaces = {"d/pca/s/go": concepts(), "d/nmf/s/go": concepts(9, n_features=40)}
    figure = draw_figure_S22(spaces)
    text, code = figure.axes[:2]
    np.testing.assert_allclose(
        np.sort(scatter_points(text), axis=0)[:, ::-1], np.sort(scatter_points(code), axis=0)
    )
    assert text.get_title().startswith("min_dist 1, 10 neighbours")
    assert code.get_title().startswith("min_dist 0.5, 20 neighbours")
    assert len(scatter_points(figure.axes[4])) == 40
    assert {"pca", "nmf"} <= set(texts(figure).split("\n"))


def test_figure_s22_says_what_is_missing():
    empty = concepts()[:0].copy()
    assert "no feature of pca is annotated" in texts(draw_figure_S22({"pca": empty}))
    assert "no concept space" in texts(draw_figure_S22({}))


@pytest.fixture(scope="module")
def tables():
    """Both conventions of two SAEs, as the workflow tabulates them."""
    features = [str(number) for number in range(30)]
    kept = {
        f"d/{model}/s/go": kept_terms(
            {name: enrichment(name, seed=seed) for name in ("published", "corrected")}, features
        )
        for model, seed in (("nmf", 5), ("pca", 8))
    }
    return {
        "names": list(kept),
        "frequencies": concept_frequencies(kept),
        "sizes": concept_sizes.tabulate(kept),
        "per_feature": terms_per_feature.tabulate(kept),
        "comparison": compare_concepts(kept, ConceptConfig(n_draws=2)),
    }


def test_share_of_features_with_at_least_so_many_terms_by_pencil():
    sizes = pd.DataFrame({"n_terms": [5, 1, 2], "n_features": [1, 4, 3]})
    terms, share = at_least(sizes)
    assert terms.tolist() == [1, 2, 5]
    assert share.tolist() == [1, 0.5, 0.125]


def test_figure_s29_prints_both_standard_errors(tables):
    figure = draw_figure_S29(
        tables["sizes"], tables["per_feature"], tables["frequencies"], tables["names"]
    )
    drawn = texts(figure)
    for row in tables["per_feature"].query("filter != 'kept_published_figures'").itertuples():
        errors = f"{row.mean:.3g} ± {row.sem:.2g} (published ± {row.sem_published:.2g})"
        assert errors in drawn
        if row.mean_any != row.mean:
            assert f"{errors};\n{row.mean_any:.3g} with those that fall" in drawn
    shares = figure.axes[2].lines[0].get_ydata()
    assert (np.diff(shares) <= 0).all()


def test_figure_s29_without_annotations_says_so(tables):
    nothing = tables["frequencies"].iloc[:0], tables["sizes"].iloc[:0]
    figure = draw_figure_S29(nothing[1], tables["per_feature"], nothing[0], tables["names"])
    assert texts(figure).count("no annotated feature") == 4


def test_figure_s32_draws_every_shared_term(tables):
    figure = draw_figure_S32(tables["comparison"], tables["frequencies"])
    for axes, row in zip(figure.axes, tables["comparison"].to_dict("records"), strict=False):
        counts = shared_counts(tables["frequencies"], row)
        assert len(counts) == row["n_shared"] == len(scatter_points(axes))
        assert np.corrcoef(counts["left"], counts["right"])[0, 1] == pytest.approx(row["pearson"])
        assert f"Pearson {row['pearson']:.2f}" in axes.get_title()


def test_figure_s32_shows_a_ceiling_where_the_run_has_seeds(tables):
    comparison = tables["comparison"]
    label = "two seeds of one model"
    assert label not in texts(draw_figure_S32(comparison, tables["frequencies"]))
    with_seeds = comparison.assign(ceiling=0.9, ceiling_floor=0.3)
    assert label in texts(draw_figure_S32(with_seeds, tables["frequencies"]))


def test_figure_s32_of_one_embedding_says_so(tables):
    nothing = tables["comparison"].iloc[:0]
    figure = draw_figure_S32(nothing, tables["frequencies"])
    assert "two embeddings of the same cells" in texts(figure)
