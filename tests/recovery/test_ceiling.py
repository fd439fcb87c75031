"""What the observables hold of every variable, against probabilities worked out by hand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

from featurelens.recovery.ceiling import ceiling_sources, measure_ceiling
from featurelens.simulation.config import HierarchicalSimulation, SmallSimulation
from featurelens.simulation.simulate import simulate


@pytest.fixture(scope="module")
def small():
    return simulate(SmallSimulation())


@pytest.fixture(scope="module")
def hierarchical():
    return simulate(HierarchicalSimulation(n_cells=2_000, n_genes=60, active_probability=0.5))


def scores(table, source, convention, column="score"):
    rows = table[(table["source"] == source) & (table["convention"] == convention)]
    return {group: part[column].to_numpy() for group, part in rows.groupby("group")}


def test_small_ceiling_is_the_conditional_mean(small):
    """Only cells with X = 0 leave something open: A = 0, or A > 0 with no program accessible.

    Their probability is e^-2 + (1 - e^-2) 0.5 0.9 0.1 = 0.1742. In them A has the variance 1.2828,
    of 2 in all, and program j is accessible with probability e^-2 pi_j / 0.1742.
    """
    empty = np.exp(-2) + (1 - np.exp(-2)) * 0.5 * 0.9 * 0.1
    mean, square = 0.045 * 2 / empty, 0.045 * 6 / empty
    activity = 1 - empty * (square - mean**2) / 2
    rate = np.array([0.5, 0.1, 0.9])
    accessible = np.exp(-2) * rate / empty
    accessibility = 1 - empty * accessible * (1 - accessible) / (rate * (1 - rate))
    assert activity == pytest.approx(0.888, abs=0.001)

    table = measure_ceiling(small, probe="least_squares")
    for convention in ("published", "corrected"):
        found = scores(table, "distinct Y", convention)
        assert found["A"] == pytest.approx([activity], abs=0.02)
        assert found["B"] == pytest.approx(accessibility, abs=0.03)
        assert found["X"] == pytest.approx(np.ones(3), abs=1e-6)
        linear = scores(table, "Y", convention)
        assert linear["A"][0] < found["A"][0] - 0.05
        assert (linear["B"] < found["B"]).all()


def test_a_linear_read_out_of_Y_is_ordinary_regression(small):
    table = measure_ceiling(small, probe="least_squares")
    Y, activity = (part.astype(float) for part in (small.X, small.obsm["activity"]))
    expected = LinearRegression().fit(Y, activity).score(Y, activity)
    assert scores(table, "Y", "published")["A"] == pytest.approx([expected], abs=1e-6)


def test_programs_and_type_hold_all_that_the_observables_do(hierarchical):
    table = measure_ceiling(hierarchical, probe="gradient", probe_epochs=2)
    assert table.columns[0] == "source"
    found = scores(table, "X'' and A", "corrected", "rescaled")
    assert found["X''"] == pytest.approx(np.ones(20), abs=1e-6)
    assert found["A"] == pytest.approx([1])
    from_Y = scores(table, "Y", "corrected", "rescaled")
    assert from_Y["X''"] == pytest.approx(np.ones(20), abs=1e-4)  # Y is linear in X''
    for group in ("X'", "X"):
        assert found[group].mean() > from_Y[group].mean()
        assert found[group].mean() < 0.9  # the mask has taken the rest
    held_out = (hierarchical.obs["split"] == "validation").to_numpy()
    inputs = ceiling_sources(hierarchical)["X'' and A"]
    programs = hierarchical.obsm["programs"]
    fitted = LinearRegression().fit(inputs[~held_out], programs[~held_out])
    error = programs[held_out] - fitted.predict(inputs[held_out])
    expected = 1 - np.square(error).sum(axis=0) / np.square(
        programs[held_out] - programs[held_out].mean(axis=0)
    ).sum(axis=0)
    assert found["X"] == pytest.approx(expected, abs=5e-3)


def test_the_gradient_probe_sees_the_observables_unscaled(hierarchical):
    options = {"probe": "gradient", "probe_epochs": 100}
    table = measure_ceiling(hierarchical, **options)
    shrunk = hierarchical.copy()
    shrunk.X = shrunk.X / 100
    shrunk_table = measure_ceiling(shrunk, **options)
    as_they_are, smaller = (scores(t, "Y", "published")["X''"] for t in (table, shrunk_table))
    assert as_they_are.mean() > smaller.mean() + 0.1
    same = [scores(t, "Y", "corrected")["X''"] for t in (table, shrunk_table)]
    assert same[0] == pytest.approx(same[1], abs=1e-6)


def test_observables_that_are_not_stored_have_the_same_ceiling():
    config = HierarchicalSimulation(n_cells=700, n_genes=90, n_programs=8)
    stored, implicit = (
        measure_ceiling(
            simulate(replace(config, observables=how)), probe="gradient", probe_epochs=2
        )
        for how in ("stored", "implicit")
    )
    pd.testing.assert_frame_equal(stored, implicit, rtol=1e-3, atol=1e-4)
