"""Controls and measures of edits, by pencil, scipy and scikit-learn."""

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.stats
from scipy import sparse
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from featurelens.embeddings.bundle import Bundle
from featurelens.embeddings.decoders.kinds.none import NoDecoder
from featurelens.steering.arms import mean_difference, most_alike, probe_direction
from featurelens.steering.comparison import hold_out, verdict
from featurelens.steering.config import SteeringConfig
from featurelens.steering.doses import at_dose
from featurelens.steering.edits import Edit
from featurelens.steering.effects import closed
from featurelens.steering.judge import donor_interval, draws_of, precision, specificity
from featurelens.steering.movement import Centroids, movement
from featurelens.steering.nulls import (
    lengths,
    matched_features,
    null_of,
    pushed,
    rank_p,
    scores,
    spread_directions,
)
from featurelens.steering.truth import Truth, halves, measured_difference

RNG = np.random.default_rng(5)


def test_movement_by_pencil():
    centroids = Centroids(("a", "b", "c"), np.array([[0.0, 0], [10, 0], [0, 10]]))
    before = np.array([[0.0, 0], [0, 0], [4, 0], [1, 1]])
    after = np.array([[6.0, 0], [0, 6], [12, 0], [1, 1]])
    moved = movement(before, after, centroids, target="b", origin="a")
    np.testing.assert_allclose(moved.displacement, [6, 6, 8, 0])
    # The third overshoots: from 6 away to 2 away.
    np.testing.assert_allclose(moved.progress, [6, 10 - np.hypot(10, 6), 4, 0])
    np.testing.assert_allclose(moved.efficiency, [1, (10 - np.hypot(10, 6)) / 6, 0.5, np.nan])
    np.testing.assert_allclose(moved.elsewhere[:2], [(10 - np.hypot(6, 10)) / 6, 1])
    assert moved.changed.tolist() == [True, True, True, False]
    assert moved.arrived.tolist() == [True, False, True, False]
    distance = 10 + 10 + 6 + np.hypot(9, 1)
    assert moved.way == pytest.approx((6 + 10 - np.hypot(10, 6) + 4) / distance)


def test_controls_move_every_cell_as_far_as_the_edit_does():
    before = RNG.normal(size=(9, 4)).astype(np.float32)
    steps = RNG.uniform(1, 2, size=(9, 1))
    steps[3] = -0.1  # one cell goes against the others
    after = (before + steps * np.array([[1.0, 2, 0, 0]])).astype(np.float32)
    length = lengths(before, after)
    assert (length < 0).tolist() == [row == 3 for row in range(9)]
    unit = np.array([0, 0, 0.6, 0.8])
    moved = pushed(before, length, unit) - before
    np.testing.assert_allclose(
        np.linalg.norm(moved, axis=1), np.linalg.norm(after - before, axis=1), rtol=1e-5
    )
    np.testing.assert_allclose(moved[:, :2], 0)
    assert (np.sign(moved[:, 2]) == np.sign(length)).all()


def test_random_directions_have_the_covariance_of_the_cells():
    X = RNG.normal(size=(4000, 3)) * np.array([5.0, 1.0, 0.0])
    found = spread_directions(X, 3000, np.random.default_rng(0))
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1)
    np.testing.assert_allclose(found[:, 2], 0, atol=1e-9)  # no cell differs along the third
    # Of a normal with spreads 5 and 1 the direction is within 45 degrees of the first axis with
    # probability 2/pi arctan(5).
    share = (np.abs(found[:, 0]) > np.abs(found[:, 1])).mean()
    assert share == pytest.approx(2 / np.pi * np.arctan(5), abs=0.02)


def test_matched_features_are_near_in_both_and_the_nearest_first():
    rows = np.array([[1, 0], [0, 1.2], [1, 0], [0, 1.3], [0.9, 0], [0, 0]])
    active = np.array([0.4, 0.4, 0.61, 0.4, 0.38, 0.4])
    # 1 and 4 are within 1.25 and 1.5; 2 is too frequent, 3 too long, 5 has no length.
    assert matched_features(active, rows, 0, most=9).tolist() == [4, 1]
    assert matched_features(active, rows, 0, most=1).tolist() == [4]


def test_p_is_a_rank_and_no_smaller_than_its_controls_can_give():
    controls = RNG.normal(size=(200, 300))
    effect = RNG.normal(size=300)
    expected = [(1 + (np.abs(controls[:, g]) >= abs(effect[g])).sum()) / 201 for g in range(300)]
    np.testing.assert_allclose(rank_p(effect, controls), expected)
    assert rank_p(np.full(300, 99.0), controls).max() == 1 / 201
    # An effect that is one of its controls has a p of .05 or less in one of twenty.
    assert (rank_p(effect, controls) <= 0.05).mean() == pytest.approx(0.05, abs=0.04)
    spread = np.sqrt((controls**2).mean(axis=0))
    np.testing.assert_allclose(scores(effect, controls), effect / spread)


def test_probe_is_the_direction_of_fishers_discriminant():
    origin = RNG.normal(size=(300, 4)) * [1, 2, 3, 4]
    target = RNG.normal(size=(200, 4)) * [1, 2, 3, 4] + [1, 1, 1, 1]
    X, y = np.vstack([origin, target]), np.repeat([0, 1], [300, 200])
    oracle = LinearDiscriminantAnalysis(solver="lsqr").fit(X, y).coef_[0]
    found = probe_direction(origin, target)
    assert found @ oracle / np.linalg.norm(oracle) == pytest.approx(1, abs=1e-3)
    step = target.mean(axis=0) - origin.mean(axis=0)
    np.testing.assert_allclose(mean_difference(origin, target), step / np.linalg.norm(step))


def test_the_feature_most_alike_by_numpy():
    class Other:
        directions = np.zeros((5, 3))

        def encode(self, X):
            codes = np.maximum(X @ np.arange(15.0).reshape(3, 5) % 7 - 3, 0)
            codes[:, 4] = 0  # dead
            return codes.astype(np.float32)

    X = RNG.normal(size=(60, 3)).astype(np.float32)
    activation = np.maximum(X[:, 0], 0)
    codes = Other().encode(X)
    r = [np.corrcoef(activation, codes[:, j])[0, 1] for j in range(4)]
    best, found = most_alike(Other(), X, activation)
    assert best == int(np.argmax(r))
    assert found == pytest.approx(max(r), abs=1e-5)


def truth_of(t):
    t = np.asarray(t, dtype=float)
    return Truth(log2_fold=t, t=t, n_origin=9, n_target=9)


def test_precision_and_specificity_by_pencil():
    # A quarter of twelve genes: 0 up, 1 down, 2 up. Genes 3 to 10 differ little, 11 is silent.
    truth = truth_of([9, -8, 7, 1, 1, 1, 1, 1, 0.5, 0.5, 0.5, 0])
    assert truth.n_true == 3
    assert truth.different.tolist() == [0, 1, 2]
    assert sorted(truth.alike) == [3, 4, 8, 9, 10]
    effects = np.zeros((3, 12))
    effects[0, [0, 1, 2]] = 2, -1, 3  # all three, right way round
    effects[1, [0, 1, 5]] = 2, 1, 3  # one of two true ones goes the wrong way
    np.testing.assert_allclose(precision(effects, truth), [1, 1 / 3, np.nan])
    effects[0, [3, 8]] = 0.5
    # 2, 1, 3 on three genes are 2 each; two halves on five are .2.
    assert specificity(effects, truth)[0] == pytest.approx(2 / 2.2)
    assert specificity(effects, truth)[1] == pytest.approx(1)
    assert np.isnan(specificity(effects, truth)[2])


def test_measured_differences_are_scipys():
    counts = sparse.csr_matrix(RNG.poisson(2, size=(30, 7)) * [1, 1, 1, 1, 1, 1, 0])
    names = [f"cell{row}" for row in range(30)]
    cells = anndata.AnnData(X=counts, obs=pd.DataFrame(index=names), layers={"counts": counts})
    bundle = Bundle(cells=cells, decoder=NoDecoder(), info={})
    origin, target = np.arange(12), np.arange(12, 30)
    found = measured_difference(bundle, origin, target, pseudocount=0.1, library=1e4)
    dense = counts.toarray()
    scaled = 1e4 * dense / dense.sum(axis=1, keepdims=True)
    logs = np.log1p(scaled)
    oracle = scipy.stats.ttest_ind(logs[target], logs[origin], equal_var=False).statistic
    np.testing.assert_allclose(found.t[:6], oracle[:6])
    assert found.t[6] == 0
    fold = np.log2((scaled[target].mean(axis=0) + 0.1) / (scaled[origin].mean(axis=0) + 0.1))
    np.testing.assert_allclose(found.log2_fold, fold)


def test_halves_share_every_type_of_every_donor():
    kind, donor = RNG.choice(["a", "b"], 101), RNG.choice(["x", "y", "z"], 101)
    first, second = halves(kind, donor, rng=np.random.default_rng(0))
    assert (first ^ second).all()
    for name in "ab":
        for of in "xyz":
            inside = (kind == name) & (donor == of)
            assert abs(int(first[inside].sum()) - int(second[inside].sum())) <= 1


def test_cells_marked_test_are_held_out_where_both_types_have_enough():
    config = SteeringConfig(origin="a", target="b")
    cells = pd.DataFrame({"cell_type": ["a"] * 10 + ["b"] * 10})
    donor = np.array(["x"] * 20)
    cells["split"] = (["test"] * 5 + ["train"] * 5) * 2
    held = hold_out(cells, donor, config)
    assert held.judged.tolist() == (cells["split"] == "test").tolist()
    cells["split"] = ["test"] * 4 + ["train"] * 6 + ["test"] * 5 + ["train"] * 5
    assert "half" in hold_out(cells, donor, config).how
    assert hold_out(cells, donor, config).judged.sum() == 10


def test_donor_interval_is_scipys_and_needs_two():
    values = RNG.normal(size=6)
    oracle = scipy.stats.t.interval(0.95, 5, loc=values.mean(), scale=scipy.stats.sem(values))
    np.testing.assert_allclose(donor_interval(values), oracle)
    assert np.isnan(donor_interval(values[:1])).all()
    draws = draws_of(8, 500, np.random.default_rng(0))
    np.testing.assert_allclose(draws.sum(axis=1), 1)
    # The variance of a mean of draws is that of the values over their number.
    cells = RNG.normal(size=8)
    assert (draws @ cells).std() == pytest.approx(cells.std() / np.sqrt(8), rel=0.1)


def test_the_typical_gene_of_many_is_a_weighted_median():
    shares, effect = RNG.dirichlet(np.ones(101)), RNG.normal(size=101)
    weight = np.minimum(shares, 0.01)
    order = np.argsort(effect)
    typical = effect[order][np.searchsorted(np.cumsum(weight[order]), weight.sum() / 2)]
    np.testing.assert_allclose(closed(effect, shares, "typical_gene"), effect - typical)
    np.testing.assert_array_equal(closed(effect, shares, "raw"), effect)
    both = closed(np.stack([effect, effect + 3]), shares, "typical_gene")
    np.testing.assert_allclose(both[0], both[1])


def test_a_dose_of_one_is_the_edit_and_none_is_none():
    activation = np.array([0.5, 2.0])
    for edit in (Edit(0, "add", 0.7), Edit(0, "multiply", 2.5), Edit(0, "ablate")):
        np.testing.assert_allclose(at_dose(edit, 1).apply(activation), edit.apply(activation))
        np.testing.assert_array_equal(at_dose(edit, 0).apply(activation), activation)
    assert at_dose(Edit(0, "set", 4.0), 0.5) == Edit(0, "set", 2.0)


@pytest.mark.parametrize(("means", "word"), [(0.9, "wins"), (0.5, "ties"), (0.1, "loses")])
def test_the_page_says_who_wins(means, word):
    kinds = ["feature", "mean_difference", *["random_directions"] * 4]
    table = pd.DataFrame({"kind": kinds, "precision": [0.5, means, 0.5, 0.2, np.nan, 0.7]})
    line = verdict(table, "precision")
    assert f"difference of means {means:.2f} ({word})" in line
    assert "2 of 3 controls do as well" in line


def test_matched_features_are_the_null_where_there_are_enough_else_random_directions():
    X = RNG.normal(size=(50, 4)).astype(np.float32)
    rows = RNG.normal(size=(300, 4))
    given = {"embedding": X, "directions": rows, "n_controls": 200}

    def null(n_matched):
        rng = np.random.default_rng(0)
        return null_of(None, X, X + 1, matched=np.arange(5, 5 + n_matched), rng=rng, **given)

    enough = null(210)
    assert (enough.kind, enough.names[0], len(enough.names)) == ("matched_features", "5", 200)
    units = rows[5:205] / np.linalg.norm(rows[5:205], axis=1, keepdims=True)
    np.testing.assert_allclose(enough.directions, units)
    few = null(199)
    assert (few.kind, len(few.names)) == ("random_directions", 200)
    np.testing.assert_allclose(few.directions, spread_directions(X, 200, np.random.default_rng(0)))
