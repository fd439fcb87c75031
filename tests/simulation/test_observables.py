import numpy as np
import pytest

from featurelens.simulation.config import HierarchicalSimulation
from featurelens.simulation.observables import Observables, observables, row_chunks
from featurelens.simulation.simulate import simulate

# 2 cells, 3 programs; 4 genes, of which the last has no program
PROGRAMS = np.array([[1, 2, 0], [0, 1, 3]], dtype=np.float32)
CONNECTIVITY = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 1], [0, 0, 0]], dtype=np.uint8)
# Y = X'' Mᵀ by hand
Y = np.array([[1, 3, 2, 0], [0, 1, 4, 0]], dtype=np.float32)


@pytest.fixture(params=["stored", "made"])
def some(request):
    return Observables(Y) if request.param == "stored" else Observables(PROGRAMS, CONNECTIVITY)


def test_rows_and_columns_by_hand(some):
    assert some.shape == (2, 4)
    np.testing.assert_array_equal(some.rows(slice(None)), Y)
    np.testing.assert_array_equal(some.rows(np.array([1])), Y[[1]])
    np.testing.assert_array_equal(some.rows(np.array([False, True])), Y[[1]])
    np.testing.assert_array_equal(some.columns(slice(1, 3)), Y[:, 1:3])
    np.testing.assert_array_equal(some.columns(np.array([3, 0])), Y[:, [3, 0]])
    np.testing.assert_array_equal(some[1:].rows(slice(None)), Y[1:])
    assert some.rows(slice(0, 1)).dtype == some.columns(slice(0, 1)).dtype == np.float32


def test_values_that_are_not_finite_are_seen(some):
    assert some.is_finite
    broken = some.cells.copy()
    broken[1, 2] = np.nan
    assert not Observables(broken, some.connectivity).is_finite


def test_an_array_and_observables_are_taken_alike(some):
    assert Observables.of(some) is some
    np.testing.assert_array_equal(Observables.of(Y).rows(slice(None)), Y)


def test_a_simulation_without_x_makes_y_from_its_factors():
    stored = simulate(HierarchicalSimulation(n_cells=60))
    made = observables(simulate(HierarchicalSimulation(n_cells=60, observables="implicit")))
    assert made.shape == stored.shape
    np.testing.assert_allclose(made.rows(slice(10, 30)), stored.X[10:30], rtol=1e-6)
    np.testing.assert_allclose(made.columns(slice(7, 9)), stored.X[:, 7:9], rtol=1e-6)
    assert observables(stored).rows(slice(None)).tobytes() == stored.X.tobytes()


def test_chunks_cover_all_rows_once_and_stay_small():
    # 2**24 values / 20,000 columns = 838 rows
    chunks = list(row_chunks(2_000, 20_000))
    assert [(c.start, c.stop) for c in chunks] == [(0, 838), (838, 1_676), (1_676, 2_000)]
    assert [c.stop - c.start for c in row_chunks(20_000, 5)] == [8_192, 8_192, 3_616]
    assert [c.stop - c.start for c in row_chunks(3, 2**25)] == [1, 1, 1]
