from itertools import permutations

import numpy as np
import pytest

from featurelens.io import InputError
from featurelens.sae.consistency import compare, correlations, cosines, matched_mean
from featurelens.sae.model import SAE
from featurelens.sae.random_directions import fire_equally_often


def dictionary(rows, bias=0.0):
    rows = np.asarray(rows, dtype=np.float64)
    return SAE("vanilla", rows.T.copy(), np.full(len(rows), bias), rows, np.zeros(rows.shape[1]))


@pytest.fixture
def X():
    return np.random.default_rng(0).normal(size=(800, 6))


@pytest.fixture
def rows():
    return np.random.default_rng(1).normal(size=(10, 6))


def test_matching_is_the_best_of_all_permutations():
    similarity = np.random.default_rng(2).normal(size=(5, 5))
    best = max(similarity[range(5), list(order)].mean() for order in permutations(range(5)))
    assert matched_mean(similarity) == pytest.approx(best)
    wide = np.hstack([similarity, similarity - 100])
    assert matched_mean(wide) == pytest.approx(best)


def test_correlations_and_cosines_against_numpy(rows):
    codes = np.abs(np.random.default_rng(3).normal(size=(40, 7)))
    expected = np.corrcoef(codes[:, :4].T, codes[:, 4:].T)[:4, 4:]
    np.testing.assert_allclose(correlations(codes[:, :4], codes[:, 4:]), expected)
    # (1, 0) and (3, 4): cosine 3/5; the opposite direction counts as opposite.
    signed = cosines(np.array([[2.0, 0.0]]), np.array([[3.0, 4.0], [-1.0, 0.0]]))
    assert signed.tolist() == [pytest.approx([0.6, -1.0])]


def test_same_features_in_another_order_agree_fully(X, rows):
    order = np.random.default_rng(4).permutation(10)
    result = compare(dictionary(rows), dictionary(2 * rows[order]), X)
    assert (result.n_left, result.n_right) == (10, 10)
    assert result.correlation == pytest.approx(1)
    assert result.cosine == pytest.approx(1)
    assert result.max_cosine == pytest.approx(1)
    assert result.correlation_random < 0.8
    assert result.cosine_random < 0.8


def test_opposite_features_disagree(X, rows):
    result = compare(dictionary(rows[:1]), dictionary(-rows[:1]), X)
    assert result.cosine == pytest.approx(-1)
    assert result.correlation < 0


def test_random_level_is_high_in_few_dimensions():
    # 60 random unit vectors in 2 dimensions lie about 6 degrees apart, in 30 dimensions far.
    rng = np.random.default_rng(5)
    levels = {}
    for d in (2, 30):
        left, right = (dictionary(rng.normal(size=(60, d))) for _ in range(2))
        result = compare(left, right, rng.normal(size=(500, d)))
        levels[d] = result
        assert result.cosine == pytest.approx(result.cosine_random, abs=0.05)
        assert result.correlation == pytest.approx(result.correlation_random, abs=0.05)
    assert levels[2].cosine_random > 0.85
    assert levels[30].cosine_random < 0.6


def test_random_dictionary_fires_equally_often(X, rows):
    share = np.array([0.0, 0.01, 0.25, 0.5, 1.0])
    fired = fire_equally_often(X, rows[:5], share) > 0
    np.testing.assert_allclose(fired.mean(axis=0), share, atol=1e-9)


def test_a_flat_column_correlates_with_nothing():
    # Threshold of a direction at the top of many equal rows: it fires nowhere.
    flat, rising = np.zeros((4, 1)), np.arange(4.0)[:, None]
    assert correlations(np.hstack([flat, rising]), rising).tolist() == [[0], [1]]
    rows = np.repeat(np.eye(2), [5, 1], axis=0)
    assert not fire_equally_often(rows, np.array([[1.0, 0.0]]), np.array([0.5])).any()


def test_dead_features_are_left_out(X, rows):
    dead = dictionary(rows, bias=-1000.0)
    result = compare(dead, dictionary(rows), X)
    assert (result.n_left, result.n_right) == (0, 10)
    assert np.isnan([result.correlation, result.cosine, result.max_cosine]).all()


def test_same_seed_same_values_other_inputs_are_refused(X, rows):
    left, right = dictionary(rows), dictionary(rows[::-1] + 0.1)
    assert compare(left, right, X) == compare(left, right, X)
    with pytest.raises(InputError, match="6 and 2 inputs"):
        compare(left, dictionary(rows[:, :2]), X)


def test_rows_that_stand_for_several_fire_together_and_as_near_as_they_can():
    # values 1, 2, 3 in 5, 3 and 2 of ten cells: silent shares can be 0, 0.5 and 0.8
    X, counts = np.array([[3.0], [1.0], [2.0]]), np.array([2.0, 5.0, 3.0])
    shares = np.array([0.5, 0.3, 0.02, 1.0, 0.8])
    fires = fire_equally_often(X, np.ones((5, 1)), shares, counts=counts) > 0
    assert (counts @ fires).tolist() == [5, 2, 2, 10, 10]


def test_counted_rows_fire_like_rows_written_out():
    rng = np.random.default_rng(0)
    X, counts = rng.normal(size=(40, 3)), rng.integers(1, 6, 40)
    directions, share = rng.normal(size=(9, 3)), np.linspace(0.1, 0.9, 9)
    few = fire_equally_often(X, directions, share, counts=counts.astype(float)) > 0
    assert np.abs(counts @ few / counts.sum() - share).max() < 6 / counts.sum()
    ones = [fire_equally_often(X, directions, share, counts=c) for c in (None, np.ones(len(X)))]
    np.testing.assert_array_equal(*ones)
