from dataclasses import replace

import anndata
import numpy as np
import pandas as pd
import pytest

from featurelens.recovery.neurons import measure_recovery
from featurelens.sae import model
from featurelens.sae.config import SAEConfig
from featurelens.sae.splits import split_rows
from featurelens.sae.stacks import train_stack
from featurelens.simulation.config import HierarchicalSimulation, SmallSimulation
from featurelens.simulation.simulate import simulate
from featurelens.simulation.variables import variables
from featurelens.sweeps.evaluated import evaluation_rows
from featurelens.sweeps.measures import recovery, seeds

X = np.random.default_rng(0).normal(size=(300, 4)).astype(np.float32)
BASE = SAEConfig(architecture="relu", expansion=3, epochs=5, learning_rate=1e-2)


def trained(folder, configs):
    """Points of one stack, named a, b, … and their table, as the sweep's rules leave them."""
    points = list(zip("abcdefgh", configs, strict=False))
    about = {"source": "toy", "data_sha256": "d", "code": "c"}
    return train_stack(X, points, store=folder / "all", **about).assign(stack="all")


def compared(table, folder):
    return seeds.measure(table, folder, trained_on=X, log=lambda _: None)


def test_every_two_seeds_of_one_config_are_compared_and_no_others(tmp_path):
    repeats = [replace(BASE, seed=seed) for seed in (2, 0, 1)]
    other = [replace(BASE, l1=0.1, seed=0), replace(BASE, l1=0.5, seed=1)]
    table = compared(trained(tmp_path, [*repeats, *other]), tmp_path)
    pairs = table[["id_left", "id_right", "seed_left", "seed_right"]].to_numpy().tolist()
    assert pairs == [["b", "c", 0, 1], ["b", "a", 0, 2], ["c", "a", 1, 2]]
    assert set(table["l1"]) == {BASE.l1}
    assert ((table["correlation"] > 0) & (table["correlation"] < 1)).all()


def test_one_dictionary_under_two_seeds_agrees_completely_and_beats_chance(tmp_path):
    table = trained(tmp_path, [replace(BASE, seed=0), replace(BASE, seed=1)])
    for file in (tmp_path / "all/a").iterdir():
        (tmp_path / "all/b" / file.name).write_bytes(file.read_bytes())
    row = compared(table, tmp_path).iloc[0]
    assert row["correlation"] == pytest.approx(1)
    assert row["cosine"] == pytest.approx(1)
    assert row["correlation_random"] < 0.95


def test_points_that_failed_are_left_out(tmp_path):
    wild = replace(BASE, learning_rate=1e30)
    table = trained(tmp_path, [wild, replace(wild, seed=1), BASE])
    assert table["status"].tolist() == ["failed", "failed", "ok"]
    assert compared(table, tmp_path).empty


@pytest.mark.parametrize("convention", ["published", "corrected"])
def test_rows_compared_are_those_that_neither_run_saw(tmp_path, convention):
    base = replace(BASE, validation_fraction=0.5, convention=convention)
    configs = [replace(base, seed=seed) for seed in (0, 1)]
    row = compared(trained(tmp_path, configs), tmp_path).iloc[0]
    unseen = set.intersection(*(set(split_rows(300, config)[1]) for config in configs))
    assert len(unseen) == 150 if convention == "published" else 50 < len(unseen) < 100
    assert (row["held_out"], row["n_rows"]) == (True, len(unseen))


def test_without_shared_held_out_rows_all_are_used_and_it_says_so(tmp_path):
    row = compared(trained(tmp_path, [BASE, replace(BASE, seed=1)]), tmp_path).iloc[0]
    assert (row["held_out"], row["n_rows"]) == (False, 300)


def embedded(data, d=4):
    """Cells of a simulation with a random linear embedding in which equal cells are equal."""
    cells, which = np.unique(data.X, axis=0, return_inverse=True)
    weights = np.random.default_rng(0).normal(size=(data.n_vars, d)).astype(np.float32)
    return anndata.AnnData(
        obs=data.obs.copy(), obsm={"X_emb": (cells @ weights)[which.ravel()] / 10}
    )


def measured_points(data, embedding, folder):
    X = embedding.obsm["X_emb"]
    about = {"source": "toy", "data_sha256": "d", "code": "c"}
    points = train_stack(X, [("a", BASE)], store=folder / "all", **about).assign(stack="all")
    return recovery.measure(points, folder, data=data, embedding=X, log=lambda _: None)


def test_distinct_cells_of_the_small_simulation_speak_for_all(tmp_path):
    data = simulate(SmallSimulation(n_cells=1_000, n_validation=100))
    embedding = embedded(data)
    table = measured_points(data, embedding, tmp_path)
    codes = model.load(tmp_path / "all/a").encode(embedding.obsm["X_emb"])
    every = measure_recovery(
        codes, variables(data), convention="both", counts=np.ones(1_000),
        inputs=embedding.obsm["X_emb"],
    )  # fmt: skip
    assert set(table["id"]) == {"a"}
    shared = [name for name in every if not name.startswith("null_")]
    pd.testing.assert_frame_equal(table[shared], every[shared], rtol=1e-4)
    assert (table["null_best_correlation"].notna()).all()
    assert (table["n_redundant"] <= table["n_live"] - 1).all()


def test_published_redundancy_of_the_large_simulation_is_every_live_neuron(tmp_path):
    data = simulate(HierarchicalSimulation(n_cells=300, n_genes=30, n_programs=5))
    table = measured_points(data, embedded(data), tmp_path).set_index("convention")
    published, corrected = table.loc["published"], table.loc["corrected"]
    assert (published["n_redundant"] == published["n_live"]).all()
    assert (corrected["n_redundant"] < corrected["n_live"]).all()


def test_many_cells_are_measured_on_the_authors_4500():
    split = np.where(np.arange(100_000) < 90_000, "train", "validation")
    data = anndata.AnnData(obs=pd.DataFrame({"split": split}, index=map(str, range(100_000))))
    np.testing.assert_array_equal(evaluation_rows(data), np.arange(90_000)[::20])
    np.testing.assert_array_equal(evaluation_rows(data[:100]), np.arange(100))
