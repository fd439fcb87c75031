"""Sweeps over real cells: held-out measures, curves and the table, by pencil and from the store."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from featurelens.figures.figure_S14 import draw as draw_figure_S14
from featurelens.figures.figure_S14c import draw as draw_figure_S14c
from featurelens.io import read_obsm, write_anndata
from featurelens.sae import model
from featurelens.sae.config import SAEConfig
from featurelens.sae.stacks import train_stack
from featurelens.sae.training import train
from featurelens.sweeps.collect import collect_rows
from featurelens.sweeps.measures.held_out import measure
from featurelens.tables import cell_sweeps
from featurelens.tables.cell_sweeps import frugal_points
from figure_reading import scatter_points, texts

X = np.random.default_rng(0).normal(size=(200, 4)).astype(np.float32)
BASE = SAEConfig(
    architecture="relu", expansion=3, epochs=6, learning_rate=1e-2, validation_fraction=0.1,
    convention="published",
)  # fmt: skip
CONFIGS = {
    "a": BASE,
    "b": replace(BASE, l1=0.1),
    "c": replace(BASE, architecture="topk", k=20),
    "d": replace(BASE, learning_rate=1e30),
}


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    """Points of one stack as the sweep's rules leave them: folder and table."""
    folder = tmp_path_factory.mktemp("store") / "all"
    about = {"source": "cells/toy", "data_sha256": "d", "code": "c"}
    points = train_stack(X, list(CONFIGS.items()), store=folder, **about)
    return folder, points.assign(stack=folder.name)


def measured_on(cells, folder, points):
    """Measures on held-out cells, and loss curves."""
    return measure(points, folder.parent, trained_on=cells, log=lambda _: None)


def held_out(stack):
    return measured_on(X, *stack)[0].set_index("id")


def curves_of(stack):
    return measured_on(X, *stack)[1]


def test_points_are_measured_on_the_last_tenth_as_published(stack):
    folder, _ = stack
    table = held_out(stack)
    assert list(table.index) == ["a", "b", "c"]  # d diverged
    assert table["held_out"].all()
    assert set(table["n_cells"]) == {20}
    last = X[180:]
    for name in table.index:
        sae = model.load(folder / name)
        codes = sae.encode(last)
        assert table.loc[name, "mse"] == pytest.approx(np.mean((sae.decode(codes) - last) ** 2))
        assert table.loc[name, "l1"] == pytest.approx(codes.sum(axis=1).mean())
        assert table.loc[name, "l0"] == (codes > 0).sum(axis=1).mean()
        assert table.loc[name, "n_active"] == (codes > 0).any(axis=0).sum()
    # 20 % of 12 features
    assert table.loc["c", "l0"] == 2


def test_without_a_split_all_cells_are_measured_and_it_says_so(tmp_path):
    about = {"source": "cells/toy", "data_sha256": "d", "code": "c"}
    points = train_stack(X, [("a", replace(BASE, validation_fraction=0))], store=tmp_path, **about)
    row = measured_on(X, tmp_path, points.assign(stack=tmp_path.name))[0].iloc[0]
    assert (row["held_out"], row["n_cells"]) == (False, 200)
    assert row["mse"] == pytest.approx(points["mse"].iloc[0])


def test_curves_are_those_of_the_training(stack):
    curves = curves_of(stack)
    assert curves.groupby("id").size().to_dict() == {"a": 6, "b": 6, "c": 6}
    [alone] = train(X, [CONFIGS["b"]])
    of_b = curves[curves["id"] == "b"].reset_index(drop=True)
    for column in ("epoch", "train_loss", "validation_loss"):
        np.testing.assert_array_equal(of_b[column], alone.history[column])


def test_frugal_points_are_low_in_both():
    # Twenty errors: the 5th percentile lies between the two lowest, the 25th of 1..20 is 5.75.
    points = pd.DataFrame({"mse": np.arange(20.0), "n_active": np.arange(1, 21)})
    assert np.flatnonzero(frugal_points(points)).tolist() == [0]
    points["n_active"] = points["n_active"].to_numpy()[::-1]
    assert not frugal_points(points).any()


def test_the_table_joins_sweeps_and_renames_what_has_two_meanings(stack):
    _, points = stack
    measured = held_out(stack).reset_index()
    table = cell_sweeps.tabulate({"one": points, "two": points}, {"one": measured, "two": measured})
    assert table["sweep"].tolist() == ["one"] * 3 + ["two"] * 3
    row = table.set_index(["sweep", "id"]).loc[("two", "b")]
    assert row["l1_weight"] == 0.1
    assert row["l1"] == measured.set_index("id").loc["b", "l1"]
    assert row["training_convention"] == "published"
    assert row["position"] == 2
    assert "convention" not in table


def test_rows_of_stacks_are_joined_in_the_order_of_the_points(tmp_path):
    pd.DataFrame({"id": ["b", "b"], "v": [1, 2]}).to_parquet(tmp_path / "one.parquet")
    pd.DataFrame({"id": ["a"], "v": [3]}).to_parquet(tmp_path / "two.parquet")
    empty = pd.DataFrame({"id": pd.Series(dtype=str), "v": pd.Series(dtype=int)})
    empty.to_parquet(tmp_path / "none.parquet")
    files = [tmp_path / f"{name}.parquet" for name in ("none", "one", "two")]
    table = collect_rows(files, pd.DataFrame({"id": ["a", "b"]}))
    assert table["v"].tolist() == [3, 1, 2]
    assert collect_rows(files[:1], pd.DataFrame({"id": ["a"]})).empty


def test_figure_S14_draws_a_line_and_three_dots_a_point_for_every_sweep(stack):
    _, points = stack
    measured = held_out(stack).reset_index()
    sweeps = {"one": points, "two": points}
    table = cell_sweeps.tabulate(sweeps, dict.fromkeys(sweeps, measured))
    figure = draw_figure_S14(table, dict.fromkeys(sweeps, curves_of(stack)))
    figure.canvas.draw()
    assert len(figure.axes) == 12
    for block in (figure.axes[:6], figure.axes[6:]):
        assert len(block[0].lines) == 3
        dots = [sum(len(part.get_offsets()) for part in axes.collections) for axes in block]
        n_frugal = int(table["frugal"].sum()) // 2
        # TopK has no L1 weight and stands in no panel that has it for an axis.
        assert dots[1:] == [3 + n_frugal, 2 + n_frugal, *[3 + n_frugal] * 3]


def sweeps_of_both_kinds():
    """Two architectures, two widths, three L1 weights, on two embeddings of cells and one other."""
    rows = [
        {"sweep": sweep, "architecture": architecture, "expansion": expansion, "l1": l1,
         "learning_rate": rate, "trained": "all", "mse": l1 * rate + 1 / expansion,
         "n_live": expansion}
        for sweep in ("cells", "more-cells", "toy")
        for architecture in ("vanilla", "relu", "topk")
        for expansion in (2, 10)
        for l1 in ((0.0,) if architecture == "topk" else (0.1, 0.01, 0.001))
        for rate in (0.01, 0.001)
    ]  # fmt: skip
    frozen = rows[0] | {"trained": "encoder"}
    return pd.DataFrame([*rows, frozen])


def test_figure_S14c_draws_real_cells_above_simulated_ones():
    figure = draw_figure_S14c(sweeps_of_both_kinds(), ["cells", "more-cells"])
    text = texts(figure)
    assert "real cells: cells, more-cells" in text
    assert "simulated cells: toy" in text
    assert "TopK" not in text
    dots = [len(scatter_points(axes)) for axes in figure.axes]
    # Architectures, widths, L1 weights and rates: 2 x 2 x 3 x 2 a sweep, neither TopK nor frozen.
    assert dots == [48] * 4 + [24] * 4
    # The median of a rate over two architectures at the middle L1 weight, by hand: the mean of
    # 0.01 rate + 1/2 and 0.01 rate + 1/10.
    middle = [line.get_ydata()[1] for line in figure.axes[1].lines]
    np.testing.assert_allclose(middle, [0.3 + 1e-4, 0.3 + 1e-5])


def test_figure_S14c_says_what_a_run_has_not():
    table = sweeps_of_both_kinds()
    topk = table[(table["architecture"] == "topk") | (table["sweep"] != "toy")]
    figure = draw_figure_S14c(topk, ["cells", "more-cells"])
    assert texts(figure).count("not in this run") == 4


def test_one_matrix_is_read_without_the_rest(tmp_path):
    import anndata

    cells = anndata.AnnData(np.ones((3, 2), dtype=np.float32), obsm={"X_emb": X[:3]})
    write_anndata(cells, tmp_path / "cells.h5ad")
    np.testing.assert_array_equal(read_obsm(tmp_path / "cells.h5ad"), X[:3])
