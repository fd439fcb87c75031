"""Pairs of rows and columns."""

from itertools import permutations

import numpy as np

from featurelens.stats.pairs import best_pairs


def test_no_other_pairing_has_a_larger_sum():
    similarity = np.random.default_rng(0).normal(size=(4, 6))
    pairs = best_pairs(similarity)
    sums = [similarity[range(4), columns].sum() for columns in permutations(range(6), 4)]
    np.testing.assert_allclose(pairs.similarity.sum(), max(sums))
    np.testing.assert_array_equal(pairs.similarity, similarity[pairs.left, pairs.right])
    np.testing.assert_array_equal(pairs.left, range(4))
    assert len(set(pairs.right)) == 4


def test_rows_that_are_left_over_have_no_partner():
    pairs = best_pairs(np.array([[0.0], [1.0], [0.5]]))
    assert (pairs.left.tolist(), pairs.right.tolist()) == ([1], [0])
