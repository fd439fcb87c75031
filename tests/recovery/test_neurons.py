"""Nulls, F1, uniqueness and redundancy of single neurons, against pencil and scipy."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from featurelens.recovery.neuron_scores import FEWEST_RANDOM
from featurelens.recovery.neurons import measure_recovery
from featurelens.sae.random_directions import fire_equally_often, random_directions
from featurelens.simulation.variables import Variables


def numeric(values, name="X"):
    return Variables(name, 1, "numeric", np.asarray(values, dtype=float))


def measured(activations, groups, convention="corrected", **options):
    table = measure_recovery(activations, groups, convention=convention, **options)
    return table.set_index("group")


def test_f1_by_hand():
    # Eight cells. Neuron 0 fires in the first four; its variable is present in cells 0, 1, 2 and 4:
    # 3 hits, F1 = 2 * 3 / (4 + 4). Neuron 1 fires where the second variable is present: F1 = 1.
    # Chance: p = q = 1/2 gives 1/2; p = q = 1/4 gives 1/4.
    variables = np.array([[5, 5, 5, 0, 1, 0, 0, 0], [0, 0, 0, 0, 0, 0, 2, 2]]).T
    neurons = np.array([[1, 1, 1, 1, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 3, 3]]).T.astype(float)
    row = measured(neurons, [numeric(variables)]).loc["X"]
    assert row["f1"] == pytest.approx((0.75 + 1) / 2)
    assert row["chance_f1"] == pytest.approx((1 / 2 + 1 / 4) / 2)
    assert row["uniqueness"] == 1
    published = measured(neurons, [numeric(variables)], "published").loc["X"]
    assert np.isnan(published[["f1", "chance_f1", "uniqueness"]].astype(float)).all()


def test_chance_f1_is_that_of_independent_firing():
    rng = np.random.default_rng(0)
    neurons = (rng.random((40_000, 6)) < [0.05, 0.2, 0.4, 0.6, 0.8, 0.95]).astype(float)
    row = measured(neurons, [numeric(rng.random((40_000, 2)) < 0.3)]).loc["X"]
    assert row["f1"] == pytest.approx(row["chance_f1"], abs=0.01)
    p, q = neurons.mean(axis=0), 0.3
    assert row["chance_f1"] == pytest.approx((2 * p * q / (p + q)).mean(), abs=0.01)


def test_a_variable_that_is_never_zero_makes_f1_a_matter_of_rates():
    rng = np.random.default_rng(1)
    values = 1 + rng.random((500, 1))
    neurons = np.maximum(values - 1.5, 0)
    row = measured(neurons, [numeric(values)]).loc["X"]
    assert row["best_correlation"] > 0.8
    assert row["f1"] == pytest.approx(row["chance_f1"])


def test_a_category_is_detected_level_by_level():
    codes = np.repeat([0, 1, 2, 3], 25)
    neurons = np.stack([codes == 2, codes == 0, codes == 2], axis=1) * [1.0, 2.0, 3.0]
    group = Variables("A", 2, "category", codes[:, None])
    row = measured(neurons, [group]).loc["A"]
    assert row["f1"] == pytest.approx(1)
    assert row["chance_f1"] == pytest.approx(1 / 4)
    assert row["uniqueness"] == pytest.approx(2 / 3)
    assert row["n_redundant"] == 1


def test_dead_and_flat_neurons_have_no_nearest_variable():
    values = np.array([0.0, 0, 1, 1])[:, None]
    neurons = np.column_stack([values, np.zeros(4), np.ones(4)])
    row = measured(neurons, [numeric(values)]).loc["X"]
    assert (row["n_live"], row["f1"], row["uniqueness"]) == (2, 1, 1 / 2)
    dead = measured(np.zeros((4, 2)), [numeric(values)], inputs=values).loc["X"]
    assert np.isnan(dead[["f1", "uniqueness", "null_best_correlation"]].astype(float)).all()
    assert dead["n_constant"] == 0


def redundancy_case():
    """Neurons 0 to 4 in pairs of copies (0, 2) and (1, 4); neuron 3 alone."""
    rng = np.random.default_rng(3)
    own = rng.random((200, 3))
    return own[:, [0, 1, 0, 2, 1]] + 1e-3 * rng.random((200, 5)), [numeric(rng.random((200, 2)))]


@pytest.mark.parametrize(
    ("redundancy", "published"),
    # every live neuron is its own copy; the last one is a copy of neuron 1 and of itself
    [("earlier", 2), ("all", 5), ("last", 2)],
)
def test_published_counts_what_the_author_counted(redundancy, published):
    neurons, groups = redundancy_case()
    table = measure_recovery(neurons, groups, convention="both", redundancy=redundancy)
    assert table["n_redundant"].tolist() == [published, 2]


def test_last_component_alone_is_compared_in_the_authors_baselines():
    neurons, groups = redundancy_case()
    moved = neurons[:, [0, 1, 2, 4, 3]]
    row = measured(moved, groups, "published", redundancy="last").loc["X"]
    assert row["n_redundant"] == 1


def null_case():
    rng = np.random.default_rng(5)
    inputs = rng.normal(size=(300, 4))
    neurons = np.maximum(inputs @ rng.normal(size=(4, 60)) - rng.random(60), 0)
    codes = rng.integers(0, 3, 300)
    groups = [
        numeric(np.maximum(inputs[:, :2] + rng.normal(size=(300, 2)), 0)),
        Variables("A", 2, "category", codes[:, None]),
    ]
    return inputs, neurons, groups


def test_null_is_the_same_measure_of_random_directions():
    """Written out with scipy: 60 directions, each cut at the firing rate of one neuron."""
    inputs, neurons, groups = null_case()
    directions = random_directions(60, 4, np.random.default_rng(7))
    codes = fire_equally_often(inputs, directions, (neurons > 0).mean(axis=0))
    assert (codes > 0).sum() == (neurons > 0).sum()
    X = groups[0].values
    r = np.array([[stats.pearsonr(z, x)[0] for x in X.T] for z in codes.T])
    row = measured(neurons, groups, inputs=inputs, seed=7).loc["X"]
    assert row["null_best_correlation"] == pytest.approx(np.abs(r).max(axis=0).mean(), abs=1e-5)
    assert row["null_max_correlation"] == pytest.approx(np.abs(r).max(), abs=1e-5)
    assert row["null_n_per_variable"] == (np.abs(r) > 0.95).sum(axis=0).mean()
    assert row["null_uniqueness"] == len(set(np.abs(r).argmax(axis=1))) / 60
    size = np.abs(r)
    pairs = [size[i, 0] + size[j, 1] for i in range(60) for j in range(60) if i != j]
    assert row["null_matched_correlation"] == pytest.approx(max(pairs) / 2, abs=1e-5)
    signed = r[np.abs(r).argmax(axis=0), [0, 1]]
    row = measured(neurons, groups, "published", inputs=inputs, seed=7).loc["X"]
    assert row["null_best_correlation"] == pytest.approx(signed.mean(), abs=1e-5)


def test_random_directions_score_what_their_null_scores():
    inputs, _, groups = null_case()
    directions = random_directions(200, 4, np.random.default_rng(11))
    neurons = fire_equally_often(inputs, directions, np.full(200, 0.2))
    for _, row in measured(neurons, groups, inputs=inputs).iterrows():
        for name in ("best_correlation", "matched_correlation"):
            assert row[name] == pytest.approx(row[f"null_{name}"], abs=0.03)


def test_few_neurons_have_several_draws():
    inputs, neurons, groups = null_case()
    row = measured(neurons[:, :8], groups, inputs=inputs, seed=2).loc["X"]
    rng, best = np.random.default_rng(2), []
    for _ in range(FEWEST_RANDOM // 8):
        codes = fire_equally_often(
            inputs, random_directions(8, 4, rng), (neurons[:, :8] > 0).mean(axis=0)
        )
        r = np.corrcoef(codes.T, groups[0].values.T)[:8, 8:]
        best.append(np.abs(r).max(axis=0).mean())
    assert row["null_best_correlation"] == pytest.approx(np.mean(best), abs=1e-5)


def test_both_conventions_at_once_equal_one_after_the_other():
    inputs, neurons, groups = null_case()
    for codes in (neurons, neurons - 0.3):
        both = measure_recovery(codes, groups, convention="both", inputs=inputs)
        alone = [
            measure_recovery(codes, groups, convention=convention, inputs=inputs)
            for convention in ("published", "corrected")
        ]
        pd.testing.assert_frame_equal(both, pd.concat(alone, ignore_index=True))


def test_blocks_of_variables_change_nothing(monkeypatch):
    inputs, neurons, groups = null_case()
    whole = measure_recovery(neurons, groups, convention="both", inputs=inputs)
    monkeypatch.setattr("featurelens.recovery.neuron_scores.BLOCK", 1)
    by_ones = measure_recovery(neurons, groups, convention="both", inputs=inputs)
    own = [name for name in whole if not name.startswith("null_")]
    pd.testing.assert_frame_equal(whole[own], by_ones[own])
