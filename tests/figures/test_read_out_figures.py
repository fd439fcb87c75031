"""Figures of the read-outs of embeddings: means over variables and seeds, ranges, ceilings."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

from featurelens.figures.figure_1 import draw as draw_figure_1
from featurelens.figures.figure_S2 import draw as draw_figure_S2
from featurelens.figures.figure_S3 import draw_read_outs as draw_figure_S3
from featurelens.figures.figure_S3 import read_out
from featurelens.figures.parts.read_outs import architecture_points, ceiling_points, recovery_points
from figure_inputs import ceiling, superposition
from figure_reading import panel, scatter_points, texts


def rows(**columns):
    """Rows of tables/superposition.tsv about one variable X of one embedding."""
    base = {
        "convention": "published", "simulation": "s", "autoencoder": "a", "latent": 4, "depth": 2,
        "width": "narrow", "training": "published", "group": "X", "score": 0.0, "rescaled": 0.0,
        "last_validation_loss": 1.0, "best_validation_loss": 1.0,
    }  # fmt: skip
    return pd.DataFrame(base | columns)


def test_recovery_points_average_variables_and_take_each_conventions_score_and_loss():
    table = rows(
        convention=["published", "published", "corrected", "corrected", "corrected"],
        score=[0.2, 0.4, 0.9, 0.9, np.nan],
        rescaled=[0.9, 0.9, 0.1, 0.5, np.nan],
        last_validation_loss=7.0,
        best_validation_loss=5.0,
    )
    points = recovery_points(table).set_index("convention")
    assert points.loc["published", ["score", "loss"]].tolist() == pytest.approx([0.3, 7.0])
    assert points.loc["corrected", ["score", "loss"]].tolist() == pytest.approx([0.3, 5.0])


def test_each_convention_shows_its_own_training_where_there_are_both():
    table = pd.concat(
        [
            rows(
                convention=np.repeat(["published", "corrected"], 2),
                training=["published", "corrected"] * 2,
                autoencoder=["old", "new"] * 2,
            ),
            rows(
                convention=["published", "corrected"],
                simulation="one",
                training="corrected",
                autoencoder="only",
            ),
        ]
    )
    points = recovery_points(table)
    shown = points.groupby(["convention", "simulation"])["autoencoder"].unique().map(list)
    assert shown.to_dict() == {
        ("published", "s"): ["old"], ("published", "one"): ["only"],
        ("corrected", "s"): ["new"], ("corrected", "one"): ["only"],
    }  # fmt: skip


def test_architecture_points_take_mean_and_range_over_seeds():
    table = rows(
        autoencoder=["a-seed0", "a-seed1", "a-seed2", "b"],
        latent=[4, 4, 4, 8],
        score=[0.1, 0.2, 0.6, 0.7],
        last_validation_loss=[0.1, 1.0, 1000.0, 3.0],
    )
    first, second = architecture_points(recovery_points(table)).to_dict("records")
    # (0.1 + 0.2 + 0.6) / 3 = 0.3; the mean exponent of 0.1, 1 and 1000 is (-1 + 0 + 3) / 3 = 2/3
    assert first["score"] == pytest.approx(0.3)
    assert (first["score_low"], first["score_high"]) == (0.1, 0.6)
    assert first["loss"] == pytest.approx(10 ** (2 / 3))
    assert (first["loss_low"], first["loss_high"], first["n_seeds"]) == (0.1, 1000.0, 3)
    assert (second["score_low"], second["score_high"], second["n_seeds"]) == (0.7, 0.7, 1)


def test_the_ceiling_is_the_mean_over_a_group_for_each_source():
    table = rows(
        convention=["published", "published", "corrected", "corrected"],
        source=["Y", "Y", "Y", "X'' and A"],
        score=[0.5, 0.7, np.nan, np.nan],
        rescaled=[np.nan, np.nan, 0.8, 0.9],
    )
    found = ceiling_points(table).set_index(["convention", "source"])["score"]
    assert found.to_dict() == pytest.approx(
        {("published", "Y"): 0.6, ("corrected", "Y"): 0.8, ("corrected", "X'' and A"): 0.9}
    )


def recovery_panels(figure):
    """Large panels and strips of Figure 1C, row by row."""
    return [axes for axes in figure.axes if axes.get_yscale() == "log"]


def test_figure_1_has_one_point_per_autoencoder_and_group():
    panels = recovery_panels(draw_figure_1(superposition(), ceiling()))
    # six autoencoders each; six variables in the hierarchical and four in the small simulation
    assert [len(scatter_points(axes)) for axes in panels] == [36, 36, 24, 24]


def test_figure_1_shows_points_below_minus_one_in_the_margin():
    table = superposition()
    figure = draw_figure_1(table, ceiling())
    published, corrected = recovery_panels(figure)[:2]
    x = scatter_points(published)[:, 0]
    assert (x < -1).sum() == 1
    assert x.min() > published.get_xlim()[0]
    assert published.get_xlim()[0] < -1.5 < corrected.get_xlim()[0]
    assert "< −1" in texts(figure)
    assert "1 point,\nlowest −4.1" in texts(figure)
    assert "lowest" not in texts(draw_figure_1(table[table["score"] > -1], ceiling()))


def test_figure_1_without_scores_says_so():
    assert "no superposition scores" in texts(
        draw_figure_1(superposition().head(0), ceiling().head(0))
    )


def test_bars_span_the_seeds_of_an_architecture():
    one = superposition()
    other = one.assign(autoencoder=one["autoencoder"] + "-seed1", seed=1, score=one["score"] - 0.05)
    published = recovery_panels(draw_figure_1(pd.concat([one, other]), ceiling()))[0]
    spans = [
        segment
        for bars in published.containers
        for part in bars[2]
        for segment in part.get_segments()
        if segment[0][0] != segment[1][0]
    ]
    lengths = [abs(segment[1][0] - segment[0][0]) for segment in spans]
    # one of 36 points lies in the margin, where no bar is drawn
    assert lengths == pytest.approx([0.05] * 35)


def test_the_ceiling_stands_above_the_points_of_its_simulation():
    figure = draw_figure_1(superposition(), ceiling())
    above = panel(figure, "Corrected convention")
    # six groups from Y, six from X'' and A, by the score rescaled
    expected = ceiling_points(ceiling()).query(
        "convention == 'corrected' and simulation == 'hierarchical'"
    )
    assert sorted(scatter_points(above)[:, 0]) == pytest.approx(sorted(expected["score"]))
    assert "ceiling: from Y" in texts(figure)


def test_figure_S2_has_a_point_for_every_architecture_in_every_panel():
    figure = draw_figure_S2(superposition())
    assert len(figure.axes) == 6 * 6
    # six architectures; the small simulation has no X'' and is not drawn
    assert [len(scatter_points(axes)) for axes in figure.axes] == [6] * 36
    words = texts(figure)
    for word in ("latent dimensions", "layers", "width", "120", "narrow"):
        assert word in words


def test_figure_S2_puts_scores_below_minus_one_on_the_edge():
    figure = draw_figure_S2(superposition())
    # columns Y, X'', X', X, A, B: one B of the first autoencoder is -4.1 as published
    assert scatter_points(figure.axes[5])[:, 0].min() == -1


def test_figure_S2_needs_the_hierarchical_simulation():
    table = superposition()
    figure = draw_figure_S2(table[table["simulation"] == "small"])
    assert "no autoencoder of the hierarchical simulation" in texts(figure)


def test_read_out_equals_linear_regression():
    rng = np.random.default_rng(0)
    embedding = rng.standard_normal((60, 3))
    variable = embedding @ [1.0, -2.0, 0.5] + rng.standard_normal(60) + 3
    oracle = LinearRegression().fit(embedding, variable)
    found = read_out(embedding, variable)
    assert found.predicted == pytest.approx(oracle.predict(embedding))
    assert found.r2 == pytest.approx(oracle.score(embedding, variable))
    assert np.isnan(read_out(embedding, np.ones(60)).r2)


def test_figure_S3_orders_autoencoders_by_size_and_says_r2():
    rng = np.random.default_rng(0)
    programs = rng.poisson(2, (50, 3))
    history = pd.DataFrame(
        {"epoch": [0, 1], "train_loss": [1.0, 0.1], "validation_loss": [1.1, 0.2]}
    )
    wide, thin = programs @ rng.standard_normal((3, 4)), rng.standard_normal((50, 2))
    figure = draw_figure_S3(
        programs, {"wide": wide, "thin": thin}, {"wide": history, "thin": history}
    )
    titles = [axes.get_title("left") for axes in figure.axes if axes.get_title("left")]
    assert titles == ["thin: 2 dimensions", "wide: 4 dimensions"]
    words = texts(figure)
    assert words.count("$R^2$ = 1.00") == 3
    assert words.count("$R^2$") == 6


def test_figure_S3_draws_equal_cells_once():
    programs = np.repeat([[0.0], [1.0], [3.0]], 4, axis=0)
    history = pd.DataFrame({"epoch": [0], "train_loss": [1.0], "validation_loss": [1.0]})
    figure = draw_figure_S3(programs, {"ae": programs}, {"ae": history})
    assert scatter_points(figure.axes[1]).tolist() == [[0, 0], [1, 1], [3, 3]]
