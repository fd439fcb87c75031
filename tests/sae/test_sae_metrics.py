import numpy as np
import pytest

from featurelens.sae import metrics
from featurelens.sae.metrics import Accumulator
from featurelens.sae.model import SAE


def measured(X, codes, reconstruction, sizes=None):
    """Evaluation of rows given at once or in batches of the given sizes."""
    accumulator = Accumulator(X.shape[1], codes.shape[1])
    start = 0
    for size in sizes or [len(X)]:
        part = slice(start, start + size)
        accumulator.update(X[part], codes[part], reconstruction[part])
        start += size
    return accumulator.compute()


@pytest.fixture
def rows():
    rng = np.random.default_rng(1)
    X = (rng.normal(size=(101, 5)) * [1, 2, 3, 4, 5] + 7).astype(np.float32)
    codes = np.maximum(rng.normal(size=(101, 9)), 0).astype(np.float32)
    return X, codes, (X + rng.normal(size=X.shape)).astype(np.float32)


def test_by_hand():
    # x = (3, 4), (-3, -4); x̂ = (3, 0), (0, 0). Errors 16 and 25 over 4 values: mse 10.25.
    # Mean 0, total squares 50: 1 - 41/50. Lengths 5 and 5 to 3 and 0: shrinkage 0.3.
    X = np.array([[3.0, 4.0], [-3.0, -4.0]])
    codes = np.array([[2.0, 0.0, 1.0], [0.0, 0.0, 4.0]])
    result = measured(X, codes, np.array([[3.0, 0.0], [0.0, 0.0]]))
    assert result.mse == pytest.approx(10.25)
    assert result.explained_variance == pytest.approx(0.18)
    assert (result.l0, result.l1) == (1.5, 3.5)
    assert result.shrinkage == pytest.approx(0.3)
    assert result.n_active.tolist() == [1, 0, 2]
    assert (result.n_live, result.n_dead) == (2, 1)
    assert result.gamma == 0


def test_mean_explains_nothing_identity_everything(rows):
    X, codes, _ = rows
    mean = np.tile(X.astype(np.float64).mean(axis=0), (len(X), 1))
    assert measured(X, codes, mean).explained_variance == pytest.approx(0, abs=1e-12)
    assert measured(X, codes, X).explained_variance == 1


def test_batches_and_merging_change_nothing(rows):
    whole = measured(*rows)
    parts = measured(*rows, sizes=[1, 50, 3, 47])
    left, right = Accumulator(5, 9), Accumulator(5, 9)
    left.update(*(array[:30] for array in rows))
    right.update(*(array[30:] for array in rows))
    right.merge(left)
    for name in ("n_rows", "mse", "explained_variance", "l1", "l0", "shrinkage", "gamma"):
        assert getattr(parts, name) == pytest.approx(getattr(whole, name), rel=1e-12)
        assert getattr(right.compute(), name) == pytest.approx(getattr(whole, name), rel=1e-12)
    assert (right.compute().n_active == whole.n_active).all()


def test_gamma_is_mean_over_spread():
    # Mean (3, 4): length 5; deviations ±1 in both columns: variances 1 + 1, so 5 / √2.
    X = np.array([[2.0, 3.0], [4.0, 5.0], [2.0, 5.0], [4.0, 3.0]])
    assert metrics.gamma(X) == pytest.approx(5 / 2**0.5)
    assert measured(X, X, X).gamma == pytest.approx(5 / 2**0.5)


def test_far_from_zero_keeps_its_precision():
    X = np.random.default_rng(0).normal(size=(4000, 2)) + 1e7
    codes = np.zeros((4000, 1))
    halves = measured(X, codes, X - 0.5, sizes=[1000] * 4)
    expected = 1 - 4000 * 2 * 0.25 / np.square(X - X.mean(axis=0)).sum()
    assert halves.explained_variance == pytest.approx(expected, rel=1e-6)


def test_what_cannot_be_computed_is_nan():
    constant = measured(np.ones((3, 2)), np.zeros((3, 4)), np.ones((3, 2)))
    assert np.isnan(constant.explained_variance)
    assert np.isnan(constant.gamma)
    nothing = Accumulator(2, 4).compute()
    assert nothing.n_rows == 0
    assert np.isnan([nothing.mse, nothing.l0, nothing.shrinkage]).all()


def test_density_histogram_by_hand():
    # Of 100 rows: 100, 10 and 1 give 0, -1 and -2; the dead feature is in no bin.
    counts = metrics.density_histogram(np.array([100, 10, 1, 0]), 100)
    assert dict(zip(metrics.DENSITY_EDGES, counts, strict=False)) == {
        **dict.fromkeys(np.arange(-12, 0) / 2, 0),
        -2: 1,
        -1: 1,
        -0.5: 1,  # the last bin holds its upper edge, 0
    }
    rare = metrics.density_histogram(np.array([1]), 10**9)
    assert (rare[0], rare.sum()) == (1, 1)


def test_evaluate_streams_a_model():
    rng = np.random.default_rng(3)
    W = rng.normal(size=(3, 6))
    sae = SAE("vanilla", W, np.zeros(6), W.T / 4, np.ones(3))
    X = rng.normal(size=(40, 3))
    codes = np.maximum(X @ W, 0)
    expected = np.square(codes @ W.T / 4 + 1 - X).mean()
    for chunk in (7, 4096):
        assert metrics.evaluate(sae, X, chunk_rows=chunk).mse == pytest.approx(expected)
