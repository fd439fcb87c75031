"""The figure of steering shows what its tables hold, and says what is missing."""

import anndata
import numpy as np
import pandas as pd
import pytest

from featurelens.figures.figure_steering import MEASURES, draw
from featurelens.figures.parts.labels import apart, far_out

ORIGIN, TARGET = "start", "end"


def inputs():
    rng = np.random.default_rng(0)
    place = rng.normal(size=(30, 2))
    types = np.repeat([ORIGIN, TARGET, "other"], 10)
    features = anndata.AnnData(
        obs=pd.DataFrame({"cell_type": types}, index=[f"c{row}" for row in range(30)]),
        obsm={"X_pca": place},
    )
    moved = np.r_[place[:10], place[:10] + 2, place[:10] + np.array([1.0, 0.5])]
    obs = pd.DataFrame(
        {
            "feature": "3",
            "condition": np.repeat(["normal", "steered", "corrected"], 10),
            "cell_type": ORIGIN,
        },
        index=[f"m{row}" for row in range(30)],
    )
    trajectories = anndata.AnnData(obs=obs, obsm={"X_pca": moved})
    selected = pd.DataFrame({"feature": ["3"], "role": ["global"], "cell_type": [TARGET]})
    kinds = ["feature", "mean_difference", *["random_directions"] * 7]
    controls = pd.DataFrame({"kind": kinds})
    for number, measure in enumerate(MEASURES):
        controls[measure] = np.linspace(0.1, 0.9, 9) if number else np.linspace(0.9, 0.1, 9)
        controls[f"{measure}_low"] = controls[measure] - 0.05
        controls[f"{measure}_high"] = controls[measure] + 0.05
    doses = pd.DataFrame({"dose": [0, 1, 2], "way": [0, 0.2, 0.3]})
    doses = doses.assign(
        way_low=doses["way"] - 0.1, way_high=doses["way"] + 0.1, share_arrived=[0, 0, 0.5]
    ).assign(beyond_range=[False, False, True])
    genes = pd.DataFrame(
        [
            {"dose": dose, "gene": f"g{gene}", "log2_fold": dose * (gene - 4.6)}
            for dose in (0, 1, 2)
            for gene in range(10)
        ]
    )
    genes = genes.assign(low=genes["log2_fold"] - 0.1, high=genes["log2_fold"] + 0.1)
    effects = pd.DataFrame(
        {
            "feature": "3",
            "convention": "corrected",
            "gene": [f"g{gene}" for gene in range(40)],
            "log2_fold": np.linspace(-1, 1, 40),
            "true_log2_fold": np.linspace(-2, 2, 40),
            "true_t": np.linspace(-9, 9, 40),
        }
    )
    return [features, trajectories, selected, controls, doses, genes, effects]


def all_axes(figure):
    return {axes.get_title(): axes for axes in figure.get_axes()}


def texts(figure):
    return "\n".join(text.get_text() for text in figure.findobj(lambda a: hasattr(a, "get_text")))


def test_cells_are_drawn_before_and_after_the_corrected_edit():
    axes = all_axes(draw(*inputs()))["Feature 3 in start"]
    others, target, before, after = (np.asarray(p.get_offsets()) for p in axes.collections)
    assert [len(part) for part in (others, target, before, after)] == [20, 10, 10, 10]
    np.testing.assert_allclose(after - before, np.tile([1.0, 0.5], (10, 1)), atol=1e-6)


def test_stages_between_have_colours_of_their_own():
    given = inputs()
    given[0].obs["cell_type"] = np.repeat([ORIGIN, "first", "second", TARGET, "other"], 6)
    axes = all_axes(draw(*given, stages=(ORIGIN, "first", "second", TARGET)))["Feature 3 in start"]
    others, first, second = axes.collections[:3]
    assert [len(part.get_offsets()) for part in (others, first, second)] == [12, 6, 6]
    light, dark = (part.get_facecolor()[0, :3].sum() for part in (first, second))
    assert light > dark
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels[2:5] == ["first", "second", "end (target)"]


def test_every_control_is_one_dot_and_titles_say_who_is_better():
    figure = draw(*inputs())
    titles = [title for title in all_axes(figure) if "the means" in title]
    assert titles == [
        "efficiency\nbetter than the means",
        "specificity\nworse than the means",
        "precision\nworse than the means",
    ]
    for title in titles:
        [dots] = all_axes(figure)[title].collections
        assert len(dots.get_offsets()) == 7
    labels = [label.get_text() for label in all_axes(figure)[titles[0]].get_yticklabels()]
    assert labels == ["feature 3", "random directions", "difference of means"]


def test_effects_stand_against_the_truth():
    figure = draw(*inputs())
    [title] = [title for title in all_axes(figure) if title.startswith("r =")]
    assert title == "r = 1.00 over all genes\ncoloured: the 10 that differ most"
    weak, strong = all_axes(figure)[title].collections[:2]
    assert (len(weak.get_offsets()), len(strong.get_offsets())) == (30, 10)
    assert np.abs(np.asarray(strong.get_offsets())[:, 0]).min() > 1.4


@pytest.mark.parametrize("lacking", ["genes", "doses"])
def test_what_is_not_there_is_said(lacking):
    given = inputs()
    given[5] = pd.DataFrame()
    if lacking == "genes":
        given[3][["specificity", "precision"]] = np.nan
        given[6] = given[6].iloc[:0]
        assert texts(draw(*given)).count("nothing decodes to genes") == 4
    else:
        given[4] = pd.DataFrame()
        assert "no doses were asked for" in texts(draw(*given))


def test_names_stand_apart():
    heights = apart(np.array([0.0, 0.1, 0.1, 5.0]), 1.0)
    assert (np.diff(heights) >= 0.99).all()
    assert heights[:3].mean() == pytest.approx(0.2 / 3, abs=0.05)
    x, y = np.array([1.0, 0.99, -1.0, 0.2]), np.array([1.0, 1.0, -1.0, 0.1])
    # The second would lie on the first, and the last may not be named.
    assert sorted(far_out(x, y, np.array([True, True, True, False]))) == [0, 2]
