"""Dimensions and chance levels of the large simulation, exactly and at its true size."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

from featurelens.config.simulation_run import SimulationRun
from featurelens.recovery.config import ChanceConfig
from featurelens.recovery.structure_chance import chance_structure
from featurelens.simulation.config import HierarchicalSimulation, SmallSimulation
from featurelens.simulation.dimensions import SHARES, component_variances, intrinsic_dimension
from featurelens.simulation.simulate import simulate

TRUE_SIZE = HierarchicalSimulation(
    n_cells=100_000, n_genes=20_000, n_programs=100, n_cell_types=40, observables="implicit"
)


@pytest.fixture(scope="module")
def dense():
    return simulate(HierarchicalSimulation(n_cells=500, n_genes=150, n_programs=12))


def test_components_are_those_of_the_dense_observables(dense):
    variances = component_variances(dense.obsm["programs_active"], dense.varm["connectivity"])
    expected = np.linalg.eigvalsh(np.cov(dense.X.astype(float), rowvar=False))[::-1]
    np.testing.assert_allclose(variances, expected[:12], rtol=1e-4, atol=1e-6 * expected[0])
    table = intrinsic_dimension(dense)
    pca = [PCA(share, svd_solver="full").fit(dense.X.astype(float)) for share in SHARES[:3]]
    assert table["n_components"].tolist()[:3] == [model.n_components_ for model in pca]
    assert (table["n_components"] - table["n_components_published"] == 1).all()
    assert table["share_of_variance"].tolist() == list(SHARES)
    assert set(table["n_cells"]) == {500}
    assert set(table["n_genes"]) == {150}


def test_chance_levels_are_those_of_the_config(dense):
    table = chance_structure(dense, ChanceConfig(n_neurons=50, percentiles=(20, 80)))
    assert table["percentile"].tolist() == [20, 80]
    np.testing.assert_allclose(table["density"], [0.8, 0.2], atol=0.02)
    assert table["coverage_covered"][0] > table["coverage_covered"][1]


def test_chance_needs_a_connectivity():
    with pytest.raises(ValueError, match="not a small one"):
        SimulationRun(data=SmallSimulation(), chance=ChanceConfig())


@pytest.mark.slow
def test_dimensions_of_the_authors_notebook():
    """31, 44, 78 and 99, counted from zero, over all cells; the simulation takes ten seconds."""
    table = intrinsic_dimension(simulate(TRUE_SIZE))
    assert table["n_components_published"].tolist() == [31, 44, 78, 99]
