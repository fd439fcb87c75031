"""Figure S1 on a small simulation and on invented real cells."""

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from featurelens.figures.figure_S1 import draw as draw_figure_S1
from featurelens.figures.figure_S1 import principal_components, real_cells, simulated_cells
from featurelens.figures.parts.style import BACKGROUND
from featurelens.simulation.config import HierarchicalSimulation
from featurelens.simulation.simulate import simulate
from figure_reading import panel, scatter_points, texts


def bundle(n_cells=60, n_types=3):
    rng = np.random.default_rng(0)
    counts = rng.poisson(0.5, (n_cells, 30))
    cells = anndata.AnnData(
        obs=pd.DataFrame(
            {
                "cell_type": pd.Categorical([f"type {i % n_types}" for i in range(n_cells)]),
                "batch": pd.Categorical(["one", "two"] * (n_cells // 2)),
            },
            index=[f"cell{i}" for i in range(n_cells)],
        ),
        var=pd.DataFrame(index=[f"gene{i}" for i in range(30)]),
    )
    cells.layers["counts"] = sparse.csr_matrix(counts)
    cells.obsm["X_emb"] = rng.standard_normal((n_cells, 5))
    return cells


def simulated(**sizes):
    config = {"n_cells": 50, "n_genes": 40, "n_programs": 6, "n_cell_types": 4} | sizes
    return simulate(HierarchicalSimulation(**config, seed=0))


def test_drawn_cells_are_rows_of_the_data_with_their_labels():
    data = simulated()
    whole, part = simulated_cells(data), simulated_cells(data, n_cells=10, seed=3)
    assert whole.values == pytest.approx(np.asarray(data.X))
    assert len(part.values) == 10
    at = [data.obs_names.get_loc(name) for name in part.cell_type.index]
    assert at == sorted(at)
    assert part.values == pytest.approx(np.asarray(data.X)[at])
    assert part.embedding == pytest.approx(data.obsm["programs_active"][at])
    assert part.batch.tolist() == data.obs["batch"].iloc[at].astype(str).tolist()
    assert simulated_cells(data, n_cells=10, seed=3).values == pytest.approx(part.values)


def test_observables_that_are_never_stored_are_made_for_the_drawn_cells():
    stored, implicit = simulated(), simulated(observables="implicit")
    assert implicit.X is None
    one, other = (simulated_cells(data, n_cells=20) for data in (stored, implicit))
    assert other.values == pytest.approx(one.values)


def test_real_cells_are_log1p_counts():
    cells = bundle()
    found = real_cells(cells)
    assert found.values == pytest.approx(np.log1p(cells.layers["counts"].toarray()))
    assert found.cell_type.iloc[4] == "type 1"


def test_principal_components_keep_the_variance_of_a_line():
    line = np.outer(np.arange(20), [3.0, 4.0, 0.0]) + [[0, 0, 1], [0, 0, -1]] * 10
    places, shares = principal_components(line)
    # along the line: 25 times the variance of 0..19 (33.25); across: variance 1
    assert shares == pytest.approx([831.25 / 832.25, 1 / 832.25], rel=0.05)
    assert np.ptp(places[:, 0]) == pytest.approx(95, rel=0.01)


def test_every_panel_has_every_cell_and_both_sides_are_named():
    figure = draw_figure_S1(simulated(), bundle(), model="pbmc/pca")
    for title in ("Y by A", "Y by B", "X'' by A", "X'' by B"):
        assert len(scatter_points(panel(figure, title))) == 50
    for title in ("log1p counts by type", "log1p counts by batch", "embedding by type"):
        assert len(scatter_points(panel(figure, title))) == 60
    words = texts(figure)
    for word in ("log1p counts, pbmc/pca", "type 2", "batch_1", "% are zero"):
        assert word in words


def test_types_beyond_the_palette_are_grey_and_counted():
    cells = bundle(n_cells=60, n_types=30)
    figure = draw_figure_S1(simulated(), cells, model="m")
    assert "18 others" in texts(figure)
    [points] = panel(figure, "embedding by type").collections
    from matplotlib.colors import to_hex

    colours = [to_hex(colour) for colour in points.get_facecolors()]
    # 30 types of two cells each: twelve are coloured, the other 36 cells come first, in grey
    assert colours[:36] == [BACKGROUND] * 36
    assert len(set(colours[36:])) == 12
