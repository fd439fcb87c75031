import subprocess
import sys

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter, ValidationError

from featurelens.io import read_anndata, write_anndata
from featurelens.simulation.config import HierarchicalSimulation, SimulationConfig, SmallSimulation
from featurelens.simulation.hierarchical import draw_connectivity
from featurelens.simulation.simulate import simulate
from featurelens.simulation.variables import variables

PUBLISHED = HierarchicalSimulation(
    n_cells=100_000, n_genes=20_000, n_programs=100, n_cell_types=40, n_batches=3
)


@pytest.fixture(scope="module")
def small():
    return simulate(SmallSimulation())


@pytest.fixture(scope="module")
def hierarchical():
    return simulate(HierarchicalSimulation())


def correlation(a, b):
    return np.corrcoef(a, b)[0, 1]


def test_small_model_obeys_both_formulae_exactly(small):
    programs = small.obsm["programs"]
    np.testing.assert_array_equal(programs, small.obsm["activity"] * small.obsm["accessibility"])
    # R of the author's 00_data_simulation.py, column by column:
    # Y1 = X2, Y2 = X1 + X2, Y3 = X1, Y4 = X2 + X3, Y5 = X3
    x1, x2, x3 = programs.T
    np.testing.assert_array_equal(small.X, np.column_stack([x2, x1 + x2, x1, x2 + x3, x3]))
    np.testing.assert_array_equal(
        small.varm["connectivity"].T, [[0, 1, 1, 0, 0], [1, 1, 0, 1, 0], [0, 0, 0, 1, 1]]
    )


def test_small_model_draws_the_authors_cells(small):
    # facts of the author's own files
    assert small.shape == (12_000, 5)
    assert len(np.unique(small.X, axis=0)) == 54
    assert np.linalg.matrix_rank(small.X) == 3
    activity, programs = small.obsm["activity"][:, 0], small.obsm["programs"]
    accessibility = small.obsm["accessibility"]
    stated = {
        0.87: correlation(activity, programs[:, 2]),
        0.81: correlation(activity, small.X[:, 3]),
        0.80: correlation(accessibility[:, 1], programs[:, 1]),
        0.70: correlation(accessibility[:, 0], programs[:, 0]),
        0.41: correlation(accessibility[:, 2], programs[:, 2]),
    }
    for value, measured in stated.items():
        assert measured == pytest.approx(value, abs=0.005)


def test_small_model_rates(small):
    activity, accessibility = small.obsm["activity"][:, 0], small.obsm["accessibility"]
    # Poisson(2): mean and variance 2, standard error of the mean sqrt(2 / 12000) = 0.013
    assert activity.mean() == pytest.approx(2, abs=0.05)
    assert activity.var() == pytest.approx(2, abs=0.1)
    np.testing.assert_allclose(accessibility.mean(0), [0.5, 0.1, 0.9], atol=0.015)
    assert set(np.unique(accessibility)) == {0, 1}


def test_split_is_by_order(small, hierarchical):
    assert (small.obs["split"][:10_000] == "train").all()
    assert (small.obs["split"][10_000:] == "validation").all()
    assert (hierarchical.obs["split"] == "validation").to_numpy().nonzero()[0].tolist() == list(
        range(2_700, 3_000)
    )


def test_published_connectivity_is_the_authors():
    connectivity, mask = draw_connectivity(PUBLISHED)
    assert connectivity.shape == (20_000, 100)
    out_degree = connectivity.sum(0)
    assert out_degree[[82, 94, 93, 52, 58]].tolist() == [1904, 1942, 2023, 2113, 1890]
    assert (out_degree.argmax(), out_degree.min()) == (52, 1890)
    assert (connectivity.sum(1) == 0).sum() == 1  # one Y column has no parent
    assert (mask.sum(1).min(), mask.sum(1).max()) == (23, 37)
    assert mask.sum(1).mean() == pytest.approx(29.95)


def test_blocks_are_drawn_as_the_author_draws_them():
    """The author's sampling spelt with torch.distributions and the global generator."""
    # with 37 types, the rounding of the author's 1/37 decides the type of cell 9,299
    config = HierarchicalSimulation(n_cells=10_050, n_genes=9, n_programs=6, n_cell_types=37)
    ours = simulate(config)
    _, mask = draw_connectivity(config)
    distributions = torch.distributions
    for block, rows in ((0, slice(0, 10_000)), (1, slice(10_000, 10_050))):
        torch.manual_seed(block)
        rates = torch.tensor([1.0 + 0.1 * i for i in range(6)])
        x = distributions.Poisson(rates).sample((10_000,))
        batch = distributions.Categorical(1 / 3 * torch.ones(3)).sample((10_000,))
        noise = distributions.Normal(torch.tensor([0.0, 1.0, 2.0]), 0.1).sample((10_000,))
        x_batch = (x.unsqueeze(1) + noise.unsqueeze(-1))[torch.arange(10_000), batch]
        cell_type = distributions.Categorical(1 / 37 * torch.ones(37)).sample((10_000,))
        x_active = x_batch * torch.tensor(mask)[cell_type]
        theirs = [x_active, x_batch, x, cell_type[:, None], batch[:, None]]
        n = rows.stop - rows.start
        for group, values in zip(variables(ours)[1:], theirs, strict=True):
            np.testing.assert_array_equal(group.values[rows], values[:n])


def test_hierarchy_obeys_its_formulae(hierarchical):
    shift = hierarchical.obsm["programs_batch"] - hierarchical.obsm["programs"]
    # one scalar per cell for all programs
    np.testing.assert_allclose(shift, np.repeat(shift[:, :1], 20, axis=1), atol=1e-5)
    for level in range(3):
        of_level = shift[(hierarchical.obs["batch"] == f"batch_{level}").to_numpy(), 0]
        assert of_level.mean() == pytest.approx(level, abs=0.02)
        assert of_level.std() == pytest.approx(0.1, abs=0.01)
    mask = hierarchical.uns["cell_type_programs"][hierarchical.obs["cell_type"].cat.codes]
    np.testing.assert_array_equal(
        hierarchical.obsm["programs_active"], hierarchical.obsm["programs_batch"] * mask
    )
    # a few entries of Y = X'' M' summed by hand
    active, edges = hierarchical.obsm["programs_active"], hierarchical.varm["connectivity"]
    for cell, gene in ((0, 0), (17, 499), (2_999, 250)):
        by_hand = sum(float(active[cell, p]) for p in range(20) if edges[gene, p])
        assert hierarchical.X[cell, gene] == pytest.approx(by_hand, rel=1e-6)
    np.testing.assert_allclose(
        hierarchical.obsm["programs"].mean(0), 1 + 0.1 * np.arange(20), atol=0.12
    )


def test_what_a_small_draw_leaves_constant_is_counted(hierarchical):
    orphans = hierarchical.var["n_parents"].to_numpy() == 0
    assert hierarchical.uns["n_orphan_genes"] == orphans.sum() > 0
    assert (hierarchical.X[:, orphans] == 0).all()
    assert hierarchical.uns["n_silent_cell_types"] == 0
    silent = simulate(HierarchicalSimulation(n_cells=50, n_programs=2, active_probability=0.05))
    n_silent = silent.uns["n_silent_cell_types"]
    assert n_silent == (silent.uns["cell_type_programs"].sum(1) == 0).sum() > 0
    assert (silent.X[(silent.obs["n_active_programs"] == 0).to_numpy()] == 0).all()


def test_a_smaller_simulation_begins_a_larger_one(hierarchical):
    fewer = simulate(HierarchicalSimulation(n_cells=40))
    np.testing.assert_array_equal(fewer.X, hierarchical.X[:40])


def test_same_seed_same_bytes_other_seed_other_cells():
    config = HierarchicalSimulation(n_cells=60)
    assert simulate(config).X.tobytes() == simulate(config).X.tobytes()
    other = simulate(HierarchicalSimulation(n_cells=60, seed=1))
    assert not np.array_equal(other.varm["connectivity"], simulate(config).varm["connectivity"])
    assert not np.array_equal(other.obsm["programs"], simulate(config).obsm["programs"])


def test_implicit_observables_are_the_stored_ones_made_when_asked_for(tmp_path):
    stored = simulate(HierarchicalSimulation(n_cells=60))
    implicit = simulate(HierarchicalSimulation(n_cells=60, observables="implicit"))
    assert implicit.X is None
    assert implicit.shape == stored.shape
    write_anndata(implicit, tmp_path / "data.h5ad")
    back = read_anndata(tmp_path / "data.h5ad")
    for group, other in zip(variables(back), variables(stored), strict=True):
        np.testing.assert_allclose(group.values, other.values, rtol=1e-6)
    np.testing.assert_allclose(variables(back[::20])[0].values, stored.X[::20], rtol=1e-6)


def test_variables_are_listed_by_level(small, hierarchical):
    listed = [(v.name, v.level, v.kind, v.values.shape[1]) for v in variables(hierarchical)]
    assert listed == [
        ("Y", 0, "numeric", 500),
        ("X''", 1, "numeric", 20),
        ("X'", 2, "numeric", 20),
        ("X", 3, "numeric", 20),
        ("A", 2, "category", 1),
        ("B", 3, "category", 1),
    ]
    listed = [(v.name, v.level, v.kind, v.values.shape[1]) for v in variables(small)]
    assert listed == [
        ("Y", 0, "numeric", 5),
        ("X", 1, "numeric", 3),
        ("A", 2, "numeric", 1),
        ("B", 2, "numeric", 3),
    ]


def test_file_keeps_every_variable(tmp_path, hierarchical):
    write_anndata(hierarchical, tmp_path / "data.h5ad")
    back = read_anndata(tmp_path / "data.h5ad")
    for before, after in zip(variables(hierarchical), variables(back), strict=True):
        assert (before.name, before.level, before.kind) == (after.name, after.level, after.kind)
        np.testing.assert_array_equal(before.values, after.values)
    assert back.uns["n_orphan_genes"] == hierarchical.uns["n_orphan_genes"]
    np.testing.assert_array_equal(back.varm["connectivity"], hierarchical.varm["connectivity"])


def test_config_refuses_what_makes_no_sense():
    adapter = TypeAdapter(SimulationConfig)
    assert adapter.validate_python({"kind": "small", "n_cells": 100, "n_validation": 10})
    with pytest.raises(ValidationError, match="n_cell"):
        adapter.validate_python({"kind": "small", "n_cell": 100})
    with pytest.raises(ValueError, match="n_validation"):
        SmallSimulation(n_cells=100)
    with pytest.raises(ValueError, match="leaves no validation cell"):
        HierarchicalSimulation(n_cells=9)


def test_planning_needs_neither_torch_nor_scanpy():
    code = (
        "import sys, featurelens.simulation.simulate, featurelens.autoencoder.training, "
        "featurelens.recovery.neurons, "
        "featurelens.recovery.structure, featurelens.recovery.baselines; "
        "sys.exit(bool({'torch', 'scanpy', 'sklearn'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
